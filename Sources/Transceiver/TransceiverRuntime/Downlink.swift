import CPacketLoop
import Paths
import Runtime
import Trunk
import Wire

/// The bundles that one turn of a shard fills for the relays: for each relay worker a row of full
/// ones, and one that takes frames.
///
/// Memory is made once. Full bundles are padded to one length, so that those for one relay that
/// follow each other are one message for the kernel (UDP_SEGMENT). All leave together at `flush`,
/// which ends every turn, or when there is no place for another.
@safe struct Downlink: ~Copyable {
  /// Bundles that one turn can fill without sending early.
  static let bundleCount = 32
  /// A full bundle that misses more than this of its length is not padded: a greater packet than
  /// voice is on its way, and its bundle ends the row.
  private static let slackBytes = 256

  private struct Bundle {
    var relay = TransportAddress(high: 0, low: 0, port: 0)
    var ingress: UInt16 = 0
    var writer: BundleWriter
    /// It is queued and takes no more frames.
    var isFull = false
    /// What its way carries: several packets, and one that leaves whole.
    var bundleBytes = 0
    var wholeBytes = 0
  }

  private let memory: UnsafeMutableRawBufferPointer
  private var bundles: [Bundle] = []
  private var used = 0
  private let key: TrunkKey?
  private let cluster: UInt16
  private let transceiver: TransceiverID
  private let capacity: Int
  private let paths: PathView
  private let rebuilder: TrunkRebuilder
  /// Trunk datagrams and the frames within, since the start.
  private(set) var datagrams: UInt64 = 0
  private(set) var frames: UInt64 = 0
  /// Client packets too large for any bundle.
  private(set) var tooLarge: UInt64 = 0

  /// - Parameter paths: what the ways to the relays carry. A single larger packet goes alone, up to
  ///   `largestBytes`.
  init(key: TrunkKey?, cluster: UInt16, transceiver: TransceiverID, _ paths: PathView) {
    self.key = key
    self.cluster = cluster
    self.transceiver = transceiver
    self.paths = paths
    capacity = max(paths.bundleBytesMax, Self.largestBytes)
    rebuilder = TrunkRebuilder(bytesMax: capacity, key: key, paths)
    unsafe memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: Self.bundleCount * capacity, alignment: 64)
    bundles.reserveCapacity(Self.bundleCount)
    for index in 0..<Self.bundleCount {
      let piece = unsafe UnsafeMutableRawBufferPointer(
        rebasing: memory[index * capacity..<(index + 1) * capacity])
      bundles.append(
        Bundle(
          writer: unsafe BundleWriter(into: piece, Self.header(self.cluster, self.transceiver, 0))))
    }
  }

  /// A 1,408-byte client datagram with both headers for an IPv6 client.
  static let largestBytes = 1_408 + 16 + 21

  deinit { unsafe memory.deallocate() }

  private static func header(
    _ cluster: UInt16, _ transceiver: TransceiverID, _ ingress: UInt16
  ) -> TrunkHeader {
    TrunkHeader(kind: .down, cluster: cluster, transceiver: transceiver, ingress: ingress)
  }

  /// Adds one client packet (or an empty `ended` notice) to the bundle for `path`'s relay.
  mutating func append(
    _ payload: UnsafeRawBufferPointer, to path: PathID, proven: Bool, ended: Bool,
    through loop: OpaquePointer
  ) {
    let frame = TrunkFrame(
      listener: path.listener, client: path.client, proven: proven, ended: ended)
    let index = unsafe bundle(
      for: path, bytes: frame.headerBytes + payload.count, through: loop)
    if unsafe bundles[index].writer.append(frame, payload) {
      frames &+= 1
    } else {
      tooLarge &+= 1
    }
  }

  /// Sends every bundle that holds something.
  mutating func flush(through loop: OpaquePointer) {
    for index in 0..<used where !bundles[index].isFull { unsafe leave(index, through: loop) }
    unsafe pl_loop_flush(loop)
    _ = unsafe rebuilder.sendRefused(through: loop, Shard.trunkSocket)
    used = 0
  }

  /// The bundle for `path`'s relay that takes a frame of so many `bytes`: an empty one takes any.
  private mutating func bundle(
    for path: PathID, bytes: Int, through loop: OpaquePointer
  ) -> Int {
    if let index = openBundle(for: path) {
      let writer = bundles[index].writer
      let most = bundles[index].bundleBytes
      if writer.frames == 0 || writer.count + bytes <= most { return index }
      bundles[index].writer.pad(to: most, slack: Self.slackBytes)
      unsafe leave(index, through: loop)
      bundles[index].isFull = true
    }
    if used == Self.bundleCount { unsafe flush(through: loop) }
    let index = used
    used += 1
    bundles[index].relay = path.relay
    bundles[index].ingress = path.ingress
    bundles[index].isFull = false
    let place = paths.findOrAdd(path.relay)
    bundles[index].bundleBytes = paths.bundleBytes(at: place)
    bundles[index].wholeBytes = paths.wholeBytes(at: place)
    bundles[index].writer.restart(Self.header(cluster, transceiver, path.ingress))
    return index
  }

  /// The bundle for `path`'s relay that takes frames: the newest one, if any.
  private func openBundle(for path: PathID) -> Int? {
    var index = used - 1
    while index >= 0 {
      if bundles[index].relay == path.relay, bundles[index].ingress == path.ingress {
        return bundles[index].isFull ? nil : index
      }
      index -= 1
    }
    return nil
  }

  /// Queues the bundle with the loop, which reads its memory at the next `pl_loop_flush`.
  private mutating func leave(_ index: Int, through loop: OpaquePointer) {
    guard bundles[index].writer.frames > 0 else { return }
    bundles[index].writer.seal(key)
    let bytes = unsafe bundles[index].writer.datagram
    unsafe bytes.withMemoryRebound(to: UInt8.self) { bytes in
      var peer = pl_address(bundles[index].relay)
      if bytes.count > bundles[index].wholeBytes {
        return unsafe TrunkRebuilder.send(
          UnsafeRawBufferPointer(bytes), peer, through: loop, Shard.trunkSocket)
      }
      unsafe pl_loop_send(loop, Shard.trunkSocket, bytes.baseAddress, UInt32(bytes.count), &peer)
    }
    datagrams &+= 1
  }
}
