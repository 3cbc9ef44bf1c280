import CPacketLoop
import Glibc
import Paths
import Runtime
import Testing
import Trunk
import Wire

@testable import TransceiverRuntime

/// What one turn says to the relays.
@Suite struct DownlinkTests {
  private static let transceiver = TransceiverID(node: 1, shard: 0)
  private static let bundleBytes = 1_400

  /// A relay's trunk socket and the path of a client behind it.
  private struct Relay: ~Copyable {
    let descriptor: Int32
    let path: PathID

    init(ingress: UInt16) throws {
      let (descriptor, address) = try DownlinkTests.openSocket()
      self.descriptor = descriptor
      path = PathID(
        relay: address, ingress: ingress, listener: 0,
        client: TransportAddress(ipv4: 0x0A00_0001, port: 9))
    }

    deinit { close(descriptor) }

    /// The datagrams that have come.
    func datagrams() -> [[UInt8]] {
      var buffer = [UInt8](repeating: 0, count: 2_048)
      var datagrams: [[UInt8]] = []
      while case let count = unsafe recv(descriptor, &buffer, buffer.count, 0), count > 0 {
        datagrams.append(Array(buffer[..<count]))
      }
      return datagrams
    }

    /// The datagrams that have come once `count` client packets are in them: the kernel may bring
    /// them later than it took them. What is not there after a minute is lost.
    func datagrams(holding count: Int) -> [[UInt8]] {
      var all = datagrams()
      for _ in 0..<60_000 {
        if all.flatMap(DownlinkTests.marks).count >= count { break }
        usleep(1_000)
        all += datagrams()
      }
      return all
    }
  }

  private static func openSocket() throws -> (Int32, TransportAddress) {
    var options = pl_socket_options()
    options.local = pl_address(TransportAddress(ipv4: 0x7F00_0001, port: 0))
    var bound = pl_address()
    let descriptor = unsafe pl_socket_open(&options, &bound, nil)
    try #require(descriptor >= 0)
    return (descriptor, TransportAddress(bound))
  }

  private static func withLoop(_ body: (OpaquePointer) throws -> Void) throws {
    var options = unsafe pl_loop_options()
    unsafe options.numa_node = -1
    unsafe options.handlers.on_batch = { _, _, _, _, _ in }
    unsafe options.handlers.on_turn = { _, _, _ in .max }
    let loop = try unsafe #require(pl_loop_create(&options, nil))
    defer { unsafe pl_loop_destroy(loop) }
    try #require(try unsafe pl_loop_add_socket(loop, openSocket().0, 2_048, nil) == 0)
    try unsafe body(loop)
  }

  /// The ways of the loopback interface carry more than any bundle has.
  private static let paths = PathTable(
    from: TransportAddress(ipv4: 0x7F00_0001, port: 0), bundleBytesMax: bundleBytes, pathsMax: 16)

  private static func makeDownlink() -> Downlink {
    Downlink(key: nil, cluster: 1, transceiver: transceiver, paths.view)
  }

  /// The first byte of each client packet in `datagram`.
  private static func marks(in datagram: [UInt8]) -> [UInt8] {
    var marks: [UInt8] = []
    var offset = TrunkHeader.bytes
    while case .frame(_, let payload) = unsafe TrunkDatagram.nextFrame(
      datagram.span.bytes, at: offset)
    {
      marks.append(datagram[payload.offset])
      offset = payload.end
    }
    return marks
  }

  private static func append(
    _ mark: UInt8, count: Int, to path: PathID, _ downlink: inout Downlink,
    _ loop: OpaquePointer
  ) {
    unsafe [UInt8](repeating: mark, count: count).withUnsafeBytes {
      unsafe downlink.append($0, to: path, proven: true, ended: false, through: loop)
    }
  }

  @Test func fullBundlesAreOneRowOfOneLength() throws {
    try unsafe Self.withLoop { loop in
      let relay = try Relay(ingress: 1)
      var downlink = Self.makeDownlink()
      for mark in 0..<30 {
        unsafe Self.append(UInt8(mark), count: 120, to: relay.path, &downlink, loop)
      }
      #expect(relay.datagrams().isEmpty, "nothing leaves before its turn ends")
      unsafe downlink.flush(through: loop)

      let datagrams = relay.datagrams(holding: 30)
      #expect(datagrams.map(\.count).dropLast().allSatisfy { $0 == Self.bundleBytes })
      #expect(datagrams.flatMap(Self.marks) == Array(0..<30))
      #expect(downlink.datagrams == UInt64(datagrams.count))
      #expect(downlink.frames == 30)
      var counters = pl_counters()
      unsafe pl_loop_counters(loop, &counters)
      #expect(counters.sent == UInt64(datagrams.count))
      #expect(counters.send_calls == 1)
    }
  }

  @Test func eachRelayGetsItsOwnInOrder() throws {
    try unsafe Self.withLoop { loop in
      let one = try Relay(ingress: 1)
      let other = try Relay(ingress: 2)
      var downlink = Self.makeDownlink()
      for mark in 0..<80 {
        let path = mark % 2 == 0 ? one.path : other.path
        unsafe Self.append(UInt8(mark), count: 100 + mark, to: path, &downlink, loop)
      }
      unsafe downlink.flush(through: loop)
      #expect(one.datagrams(holding: 40).flatMap(Self.marks) == (0..<40).map { 2 * $0 })
      #expect(other.datagrams(holding: 40).flatMap(Self.marks) == (0..<40).map { 2 * $0 + 1 })
    }
  }

  /// More than there is memory for leaves early, and nothing is lost or changes places; a packet
  /// that is longer than a bundle goes alone.
  @Test func moreThanATurnHoldsLeavesEarly() throws {
    try unsafe Self.withLoop { loop in
      let relay = try Relay(ingress: 1)
      var downlink = Self.makeDownlink()
      var seen: [UInt8] = []
      for mark in 0..<200 {
        let count = mark % 50 == 7 ? Self.bundleBytes : 700
        unsafe Self.append(UInt8(mark), count: count, to: relay.path, &downlink, loop)
        seen += relay.datagrams().flatMap(Self.marks)
      }
      #expect(!seen.isEmpty)
      unsafe downlink.flush(through: loop)
      seen += relay.datagrams(holding: 200 - seen.count).flatMap(Self.marks)
      #expect(seen == Array(0..<200))
      #expect(downlink.tooLarge == 0)
    }
  }
}
