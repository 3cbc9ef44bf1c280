import Dtls
import TransceiverCore
import Wire

/// A shard in which no call begins.
enum IdleShard {
  static let transceiver = TransceiverID(node: 1, shard: 0)

  static func make() -> Shard {
    Shard(
      ShardConfiguration(cluster: 1, transceiver: transceiver, trunkKey: nil) {
        _, _ throws(DtlsSetupError) in throw DtlsSetupError(description: "no call begins here")
      })
  }
}
