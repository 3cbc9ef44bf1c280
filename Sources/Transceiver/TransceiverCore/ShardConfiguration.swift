package import Backends
package import Dtls
package import Session
package import Signalling
package import Trunk
package import Wire

/// What a shard is told at its start. It never changes afterwards.
package struct ShardConfiguration: Sendable {
  /// The cluster whose trunk datagrams are taken.
  package var cluster: UInt16
  /// The node and the shard's number in it, as routing tokens name them.
  package var transceiver: TransceiverID
  /// Nil only where both ends of the trunk are on the loopback interface.
  package var trunkKey: TrunkKey?
  /// Makes the DTLS end of a call, which has not been started, from its configuration and 32 secret
  /// random bytes. On the shard's thread.
  package var makeDtls:
    @Sendable (DtlsConfiguration, [UInt8]) throws(DtlsSetupError) -> any DtlsEndpoint
  /// The greatest bundle for any relay, in bytes of UDP payload.
  package var bundleBytesMax = 1_400
  /// Calls at once.
  package var callsMax = 2_000
  /// How long a call may take to connect, and last.
  package var limits = SessionLimits()
  /// Bits per second of the Opus that we send on a good network, 6,000...510,000.
  package var voiceBitsPerSecond: Int32 = 64_000
  /// The backends that a call may name, with what the operator tells them.
  package var backends: [BackendKind: BackendSettings] = [.echo: BackendSettings(.echo)]
  /// When the shard counts as overloaded.
  package var admission = AdmissionLimits()

  /// The rest has the values that options have when nobody gives them.
  package init(
    cluster: UInt16, transceiver: TransceiverID, trunkKey: TrunkKey?,
    makeDtls:
      @escaping @Sendable (DtlsConfiguration, [UInt8]) throws(DtlsSetupError) -> any DtlsEndpoint
  ) {
    self.cluster = cluster
    self.transceiver = transceiver
    self.trunkKey = trunkKey
    self.makeDtls = makeDtls
  }

  /// The longest trunk datagram that a shard sends, in bytes of UDP payload.
  package var trunkBytesMax: Int { max(bundleBytesMax, RelayBundles.aloneBytesMax) }
}
