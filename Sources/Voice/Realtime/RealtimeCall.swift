package import Backends
import PlainBackends
import Wire

/// What is this call's own of all that a Realtime endpoint needs.
package struct RealtimeCall: Sendable {
  /// 16 random bytes, no secret: the IDs of the call's events come from them.
  package var identity: [UInt8]
  /// The session's configuration as the call's request or client secret gave it: a JSON object, or
  /// nothing.
  package var session: [UInt8]

  /// Traps unless `identity` has 16 bytes. `session` is taken as it is.
  package init(identity: [UInt8], session: [UInt8] = []) {
    precondition(identity.count == 16, "an identity has 16 bytes")
    self.identity = identity
    self.session = session
  }
}

extension BackendSettings {
  /// Makes the answering side of one call of a Realtime endpoint. Takes the memory it needs at
  /// once; the system backs it as far as it is used.
  package func makeRealtimeBackend(_ call: RealtimeCall) -> any VoiceBackend {
    switch kind {
    case .echo: RealtimeDialect(EchoBackend(), model: modelName, call: call)
    case .parrot: RealtimeDialect(ParrotBackend(), model: modelName, call: call)
    case .audiosocket:
      RealtimeDialect(
        AudioSocketBackend(rate: serviceRate, uuid: call.identity), model: modelName, call: call)
    case .realtime: RealtimeBackend(rate: serviceRate, call: call)
    }
  }

  private var modelName: String { model.isEmpty ? kind.rawValue : model }
}

/// Makes the IDs of one call's events: unlike in one call, and unlike another call's.
struct RealtimeNames {
  private let call: String
  private var count: UInt64 = 0

  private static let digits = Array("0123456789abcdef".utf8)

  init(identity: [UInt8]) {
    let hex = identity.prefix(8).flatMap { [Self.digits[Int($0 >> 4)], Self.digits[Int($0 & 15)]] }
    call = String(decoding: hex, as: UTF8.self)
  }

  /// A new ID that begins with `prefix` and an underscore.
  mutating func next(_ prefix: String) -> String {
    count += 1
    return "\(prefix)_\(call)\(String(count, radix: 36))"
  }

  /// A new ID for an event that we send to a service of our own accord.
  mutating func nextOwn() -> String { next("own") }

  /// Whether `id` is such an ID.
  func isOwn(_ id: String) -> Bool { id.hasPrefix("own_\(call)") }
}
