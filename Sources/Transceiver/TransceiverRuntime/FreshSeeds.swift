import Crypto
import TransceiverCore

extension CallSeeds {
  /// Seeds that the system's random source gives.
  static func fresh() -> CallSeeds {
    CallSeeds(
      handshake: SecureRandom.bytes(byteCount), session: SecureRandom.bytes(byteCount),
      identity: SecureRandom.bytes(identityByteCount))
  }
}
