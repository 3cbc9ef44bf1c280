package import Voice

/// Who can answer, by the names that options and requests use.
package enum BackendKind: String, Hashable, Sendable, CaseIterable {
  /// What you say comes back.
  case echo
  /// What you say comes back when your turn is over.
  case parrot
  /// A service that speaks the Realtime events over a WebSocket.
  case realtime
  /// A service that speaks Asterisk's AudioSocket over TCP.
  case audiosocket

  /// Somebody outside this process answers, whose address an operator has to give.
  package var needsService: Bool { self == .realtime || self == .audiosocket }
}

/// What an operator decides about the answering side of every call. The address and the key of a
/// service are not among it: who opens the connection knows those.
package struct BackendSettings: Hashable, Sendable {
  /// Decides what else matters: `serviceRate` does to services only, `model` not to `realtime`.
  package var kind: BackendKind
  /// Of the voice towards a service, both ways. The built-in ones have rates of their own.
  package var serviceRate = PcmRate.hertz24000
  /// The model's name in sessions that we describe ourselves.
  package var model = ""

  /// 24 kHz towards a service, and no model's name: then sessions give that of the kind.
  package init(_ kind: BackendKind) {
    self.kind = kind
  }
}
