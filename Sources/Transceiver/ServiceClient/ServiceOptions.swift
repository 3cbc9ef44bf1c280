/// What an operator says about the AI service behind the calls.
package struct ServiceOptions: Sendable {
  package var endpoint: ServiceEndpoint
  /// Sent as a bearer token. A secret: it is in no log, no error and no description.
  package var key: ServiceKey?
  /// The only authorities whose certificates are good, PEM; nil: those of the system.
  package var caFile: String?
  /// Connections at once.
  package var connectionsMax = 2_000
  /// A service that takes nothing for so long, while something waits for it, has failed.
  package var stallMilliseconds: UInt32 = 10_000

  package init(_ endpoint: ServiceEndpoint) {
    self.endpoint = endpoint
  }
}

/// A key that cannot be printed by accident.
package struct ServiceKey: Sendable, CustomStringConvertible, CustomReflectable {
  let text: String

  /// nil when the text cannot stand in a header field: it must be visible ASCII (RFC 6750, 2.1).
  package init?(_ text: String) {
    guard !text.isEmpty, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
    self.text = text
  }

  /// Whether `words` hold the key, or 12 characters of its beginning: what a service says of its
  /// end has at most 123 bytes, fewer than some keys have.
  package func isRepeated(in words: String) -> Bool {
    let beginning = text.utf8.prefix(12)
    let words = Array(words.utf8)
    return words.indices.contains { words[$0...].starts(with: beginning) }
  }

  package var description: String { "(a key)" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Why services cannot be reached at all: a sentence for the operator.
package struct ServiceFailure: Error, Sendable, CustomStringConvertible {
  package let description: String
}
