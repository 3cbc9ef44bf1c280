/// The backends that are built in, by the names that options and requests use.
package enum BackendKind: String, Hashable, Sendable, CaseIterable {
  /// What you say comes back.
  case echo
  /// What you say comes back when your turn is over.
  case parrot

  /// Makes a backend for one call. Takes the memory it needs at once.
  package func make() -> any VoiceBackend {
    switch self {
    case .echo: EchoBackend()
    case .parrot: ParrotBackend()
    }
  }
}
