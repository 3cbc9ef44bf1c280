import Crypto

/// What one call's randomness comes from: two secrets, apart from each other, because the session
/// shows some of its numbers to the client and the handshake makes keys of its own.
struct CallSeeds: Sendable {
  static let byteCount = 32

  let handshake: [UInt8]
  let session: [UInt8]
  /// No secret: the IDs of the call's events come from it.
  let identity: [UInt8]

  static func fresh() -> CallSeeds {
    CallSeeds(
      handshake: SecureRandom.bytes(byteCount), session: SecureRandom.bytes(byteCount),
      identity: SecureRandom.bytes(16))
  }
}
