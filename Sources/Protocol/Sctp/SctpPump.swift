package import Wire

/// When to ask an association for packets, for an owner who takes a few in one go, so that they do
/// not crowd out what else it sends. Numbers only.
package struct SctpPump: Sendable {
  /// Something has happened since the last time that packets were asked for.
  package private(set) var isDue = true
  /// When there is more to ask for; `.never` when the last time took all there was.
  package private(set) var resumeAt = Instant.never

  /// Packets are to be asked for at once.
  package init() {}

  /// Something was received, sent, opened or closed, or a time has come.
  package mutating func noteChange() { isDue = true }

  /// Packets were asked for: until there was none left, or until enough went out for now.
  package mutating func noteDone(isDry: Bool, at now: Instant) {
    isDue = false
    resumeAt = isDry ? .never : now.advanced(byMilliseconds: 1)
  }
}
