import CTraffic
import Glibc
import Settings

/// A thread that sends prepared datagrams; it ends with this object.
@safe final class Sender {
  /// What it is to do.
  struct Order {
    var descriptor: Int32
    /// It takes every `step`-th datagram, beginning with this one.
    var first = 0
    var step = 1
    /// Datagrams in a second; 0 for as many as go.
    var rate = 0
    /// Datagrams to send in all; 0 for no end.
    var limit = 0
    /// Where the time of sending is written; nil for nowhere.
    var stampOffset: Int?
    /// -1 for any.
    var cpu: Int32 = -1
    /// Sends as many packets as this sink counts in that group.
    var follows: (sink: Sink, group: Int)?
    /// Without the socket, where that is possible.
    var injects = false
  }

  private let traffic: Traffic
  private let handle: OpaquePointer
  private let followed: Sink?

  init(_ traffic: Traffic, _ order: Order) throws(BenchFailure) {
    self.traffic = traffic
    followed = order.follows?.sink
    var options = unsafe ct_sender_options()
    unsafe options.descriptor = order.descriptor
    unsafe options.image = traffic.image
    unsafe options.datagrams = UnsafePointer(traffic.datagrams)
    unsafe options.count = UInt32(traffic.count)
    unsafe options.first = UInt32(order.first)
    unsafe options.step = UInt32(order.step)
    unsafe options.rate = UInt64(order.rate)
    unsafe options.limit = UInt64(order.limit)
    unsafe options.stamp_offset = order.stampOffset.map { UInt32($0) } ?? .max
    unsafe options.cpu = order.cpu
    unsafe options.follows = order.follows?.sink.handle
    unsafe options.follows_group = UInt32(order.follows?.group ?? 0)
    unsafe options.packets_each = UInt32(traffic.packetsEach)
    unsafe options.injects = order.injects
    guard let handle = unsafe ct_sender_start(&options) else {
      throw BenchFailure("cannot start a sender: \(systemErrorText(errno))")
    }
    unsafe self.handle = handle
  }

  deinit { unsafe ct_sender_stop(handle) }

  /// Packets that the kernel took so far.
  var sent: Int { unsafe Int(ct_sender_sent(handle)) * traffic.packetsEach }

  /// Packets that should have been sent and were not.
  var missed: Int { unsafe Int(ct_sender_missed(handle)) * traffic.packetsEach }

  /// Waits for the end of a sender that has a limit; gives the packets that the kernel took.
  func finish() -> Int {
    unsafe ct_sender_wait(handle)
    return sent
  }
}
