import CTraffic
import Glibc
import Settings

/// A thread that reads and counts what comes out of a forwarder; it ends with this object.
@safe final class Sink {
  /// How packets lie in the datagrams of some sockets.
  struct Shape: Equatable {
    /// Bytes before the first packet.
    var head: Int
    /// Bytes of each packet with what stands before it.
    var stride: Int
  }

  /// What is counted: at the transceivers (what went up) and at the clients (what went down).
  static let up = 0
  static let down = 1

  private let site: Site
  let handle: OpaquePointer

  init(
    _ site: Site, up: Shape, down: Shape, measuresLatency: Bool, cpu: Int32
  ) throws(BenchFailure) {
    self.site = site
    let inlets =
      site.transceivers.map { Self.inlet($0, up, Self.up) }
      + site.clients.map { Self.inlet($0, down, Self.down) }
    let tail = measuresLatency ? TrafficMaker.packetBytes - TrafficMaker.stampOffset : 0
    let handle = unsafe inlets.withUnsafeBufferPointer { buffer in
      var options = unsafe ct_sink_options()
      unsafe options.inlets = buffer.baseAddress
      unsafe options.inlet_count = UInt32(buffer.count)
      unsafe options.stamp_tail = UInt32(tail)
      unsafe options.period = measuresLatency ? 100_000 : 1_000_000
      unsafe options.is_urgent = measuresLatency
      unsafe options.cpu = cpu
      return unsafe ct_sink_start(&options)
    }
    guard let handle = unsafe handle else {
      throw BenchFailure("cannot start a sink: \(systemErrorText(errno))")
    }
    unsafe self.handle = handle
  }

  deinit { unsafe ct_sink_stop(handle) }

  private static func inlet(_ socket: Site.Socket, _ shape: Shape, _ group: Int) -> ct_inlet {
    ct_inlet(
      descriptor: socket.descriptor, head: UInt32(shape.head), stride: UInt32(shape.stride),
      group: UInt32(group))
  }

  /// What came, on one side.
  struct Count {
    var datagrams = 0
    var packets = 0
    /// Datagrams that came and found our own queue full.
    var drops = 0

    static func - (later: Count, earlier: Count) -> Count {
      Count(
        datagrams: later.datagrams - earlier.datagrams, packets: later.packets - earlier.packets,
        drops: later.drops - earlier.drops)
    }

    /// Packets that were forwarded: those counted, and as many for each lost datagram as others
    /// held.
    var forwarded: Double {
      guard datagrams > 0 else { return 0 }
      return Double(packets) * Double(datagrams + drops) / Double(datagrams)
    }
  }

  func count(_ group: Int) -> Count {
    let count = unsafe ct_sink_count(handle, UInt32(group))
    let sockets = group == Self.up ? site.transceivers : site.clients
    let drops = sockets.reduce(0) { $0 + Int(ct_socket_drops($1.descriptor)) }
    return Count(datagrams: Int(count.datagrams), packets: Int(count.packets), drops: drops)
  }

  /// The latencies so far, at the transceivers.
  var histogram: Histogram {
    var buckets = [UInt64](repeating: 0, count: Int(CT_BUCKETS))
    unsafe ct_sink_histogram(handle, &buckets)
    return Histogram(buckets)
  }
}
