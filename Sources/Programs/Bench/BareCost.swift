import Srtp

/// What the libraries take for a frame by themselves: nanoseconds of CPU time.
struct LibraryCost: Equatable, Sendable {
  var decode = 0.0
  var encode = 0.0
  var unprotect = 0.0
  var protect = 0.0

  var opus: Double { decode + encode }
  var srtp: Double { unprotect + protect }

  static func + (one: LibraryCost, other: LibraryCost) -> LibraryCost {
    LibraryCost(
      decode: one.decode + other.decode, encode: one.encode + other.encode,
      unprotect: one.unprotect + other.unprotect, protect: one.protect + other.protect)
  }

  static func / (cost: LibraryCost, divisor: Double) -> LibraryCost {
    LibraryCost(
      decode: cost.decode / divisor, encode: cost.encode / divisor,
      unprotect: cost.unprotect / divisor, protect: cost.protect / divisor)
  }
}

/// What a bare server takes for a frame: nanoseconds of CPU time.
struct BareCost: Equatable, Sendable {
  var libraries = LibraryCost()
  /// System calls: receiving, sending, waiting.
  var system = 0.0

  var sum: Double { libraries.opus + libraries.srtp + system }

  /// The middle between two measurements.
  init(mean one: BareCost, _ other: BareCost) {
    libraries = (one.libraries + other.libraries) / 2
    system = (one.system + other.system) / 2
  }

  init(libraries: LibraryCost = LibraryCost(), system: Double = 0) {
    self.libraries = libraries
    self.system = system
  }
}

/// When a bare server looks at its socket, and whose cryptography its libsrtp2 has.
enum BareKind: CaseIterable, Sendable {
  /// Each 20 ms: as seldom as a voice server can, and with the fewest system calls. libsrtp2 is as
  /// it is shipped.
  case inRounds
  /// As soon as something comes: as an echo server does that knows no clock. libsrtp2 is as it is
  /// shipped.
  case asItComes
  /// Each 20 ms, and libsrtp2 has libcrypto's ciphers, as in calls.
  case sameSrtp

  var waitsForRounds: Bool { self != .asItComes }
  var cryptography: SrtpCryptography { self == .sameSrtp ? .libcrypto : .asShipped }

  /// Where a sample keeps what it took.
  var cost: WritableKeyPath<EchoSample, BareCost> {
    switch self {
    case .inRounds: \.inRounds
    case .asItComes: \.asItComes
    case .sameSrtp: \.sameSrtp
    }
  }
}
