import CPacketLoop
import Runtime
import Trunk
import Wire

/// The bundles that one turn of a shard fills for the relays: one open bundle per relay worker.
///
/// Memory is made once. A bundle leaves when it is full, when its place is needed for another
/// relay, or at `flush`, which ends every turn: bundling adds no delay.
@safe struct Downlink: ~Copyable {
  /// Relay workers that one turn can serve without sending early.
  static let bundleCount = 16

  private struct Open {
    var relay = TransportAddress(high: 0, low: 0, port: 0)
    var ingress: UInt16 = 0
    var writer: BundleWriter
  }

  private let memory: UnsafeMutableRawBufferPointer
  private var open: [Open] = []
  private var used = 0
  private let key: TrunkKey?
  private let cluster: UInt16
  private let transceiver: TransceiverID
  private let capacity: Int
  /// Trunk datagrams and the frames within, since the start.
  private(set) var datagrams: UInt64 = 0
  private(set) var frames: UInt64 = 0
  /// Client packets too large for any bundle.
  private(set) var tooLarge: UInt64 = 0

  /// - Parameter datagramBytes: the most UDP payload of an ordinary bundle; a single larger packet
  ///   goes alone, up to `largestBytes`.
  init(key: TrunkKey?, cluster: UInt16, transceiver: TransceiverID, datagramBytes: Int) {
    self.key = key
    self.cluster = cluster
    self.transceiver = transceiver
    capacity = max(datagramBytes, Self.largestBytes)
    bundleBytes = datagramBytes
    unsafe memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: Self.bundleCount * capacity, alignment: 64)
    open.reserveCapacity(Self.bundleCount)
    for index in 0..<Self.bundleCount {
      let piece = unsafe UnsafeMutableRawBufferPointer(
        rebasing: memory[index * capacity..<(index + 1) * capacity])
      open.append(
        Open(
          writer: unsafe BundleWriter(into: piece, Self.header(self.cluster, self.transceiver, 0))))
    }
  }

  /// A 1,408-byte client datagram with both headers for an IPv6 client.
  static let largestBytes = 1_408 + 16 + 21
  private let bundleBytes: Int

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
    let index = unsafe bundle(for: path, through: loop)
    let need = frame.headerBytes + payload.count
    if open[index].writer.frames > 0, open[index].writer.count + need > bundleBytes {
      unsafe leave(index, through: loop)
      unsafe pl_loop_flush(loop)
      open[index].writer.restart()
    }
    if unsafe open[index].writer.append(frame, payload) {
      frames &+= 1
    } else {
      tooLarge &+= 1
    }
  }

  /// Sends every bundle that holds something.
  mutating func flush(through loop: OpaquePointer) {
    for index in 0..<used { unsafe leave(index, through: loop) }
    unsafe pl_loop_flush(loop)
    used = 0
  }

  private mutating func bundle(for path: PathID, through loop: OpaquePointer) -> Int {
    for index in 0..<used
    where open[index].relay == path.relay && open[index].ingress == path.ingress {
      return index
    }
    if used == Self.bundleCount { unsafe flush(through: loop) }
    let index = used
    used += 1
    open[index].relay = path.relay
    open[index].ingress = path.ingress
    open[index].writer.restart(Self.header(cluster, transceiver, path.ingress))
    return index
  }

  /// Queues the bundle with the loop, which reads its memory at the next `pl_loop_flush`.
  private mutating func leave(_ index: Int, through loop: OpaquePointer) {
    guard open[index].writer.frames > 0 else { return }
    open[index].writer.seal(key)
    let bytes = unsafe open[index].writer.datagram
    unsafe bytes.withMemoryRebound(to: UInt8.self) { bytes in
      var peer = pl_address(open[index].relay)
      unsafe pl_loop_send(loop, Shard.trunkSocket, bytes.baseAddress, UInt32(bytes.count), &peer)
    }
    datagrams &+= 1
  }
}
