package import CPacketLoop

/// What the sockets of a packet loop did, in datagrams. Whatever reached a socket is in `received`
/// or in `unread`; whatever was to be sent is in `sent` or in one of the failures.
package struct SocketCounters: Sendable, Equatable {
  /// The kernel handed them over.
  package var received: UInt64 = 0
  /// The kernel took them.
  package var sent: UInt64 = 0
  /// Of these, what left as frames of our own, past the kernel's UDP.
  package var sentAsFrames: UInt64 = 0
  /// What a socket that sends frames had to give to the kernel's UDP; sent, or one of the failures.
  package var passedFramesBy: UInt64 = 0
  /// Of `sent`: longer than the way carries, and left in fragments.
  package var sentInFragments: UInt64 = 0
  /// Longer than the way carries; what was in them was sent anew in shorter ones.
  package var rebuilt: UInt64 = 0
  /// Not sent: the send buffer or the device's queue was full.
  package var failedFull: UInt64 = 0
  /// Not sent: the peer's host refused, or there is no way to it.
  package var failedRefused: UInt64 = 0
  /// Not sent: larger than the device's MTU.
  package var failedTooBig: UInt64 = 0
  /// Not sent: a firewall rule forbids it.
  package var failedNotPermitted: UInt64 = 0
  /// Not sent for another reason, such as port 0.
  package var failedOther: UInt64 = 0
  /// The kernel threw them away before anybody read them: the receive queue was full, the checksum
  /// was bad, or a filter on the socket said so. Modulo 2^32.
  package var unread: UInt64 = 0

  /// All 0: the sum of no loops.
  package init() {}

  /// Of a whole loop or of one of its sockets. What became of datagrams is taken over; bytes, calls
  /// and turns are not.
  package init(_ counters: pl_counters) {
    received = counters.received
    sent = counters.sent
    sentAsFrames = counters.sent_as_frames
    passedFramesBy = counters.passed_frames_by
    sentInFragments = counters.sent_in_fragments
    rebuilt = counters.given_back
    failedFull = counters.failed_full
    failedRefused = counters.failed_refused
    failedTooBig = counters.failed_too_big
    failedNotPermitted = counters.failed_not_permitted
    failedOther = counters.failed_other
    unread = counters.dropped_by_kernel
  }

  /// Adds another loop's counters.
  package mutating func add(_ other: SocketCounters) {
    received &+= other.received
    sent &+= other.sent
    sentAsFrames &+= other.sentAsFrames
    passedFramesBy &+= other.passedFramesBy
    sentInFragments &+= other.sentInFragments
    rebuilt &+= other.rebuilt
    failedFull &+= other.failedFull
    failedRefused &+= other.failedRefused
    failedTooBig &+= other.failedTooBig
    failedNotPermitted &+= other.failedNotPermitted
    failedOther &+= other.failedOther
    unread &+= other.unread
  }

  /// Everything that the kernel refused to send.
  package var sendFailures: UInt64 {
    failedFull &+ failedRefused &+ failedTooBig &+ failedNotPermitted &+ failedOther
  }

  /// What was lost unread, without the `filtered` ones that a filter on the sockets dropped and
  /// counted. Read the filter's count after these: what it drops in between then looks like fewer
  /// than none, which is given as none.
  package func lost(besides filtered: UInt64) -> UInt64 {
    let difference = UInt32(truncatingIfNeeded: unread &- filtered)
    return difference > UInt32.max / 2 ? 0 : UInt64(difference)
  }

  /// What only a sender of frames has.
  package var namedFrames: [(name: String, value: UInt64)] {
    [("sent_as_frames", sentAsFrames), ("passed_frames_by", passedFramesBy)]
  }

  /// Every other figure with its name in logs and JSON. Allocates.
  package func named(filtered: UInt64 = 0) -> [(name: String, value: UInt64)] {
    [
      ("received", received), ("lost_unread", lost(besides: filtered)), ("sent", sent),
      ("sent_in_fragments", sentInFragments), ("send_rebuilt", rebuilt),
      ("send_failures", sendFailures), ("send_failed_full", failedFull),
      ("send_failed_refused", failedRefused), ("send_failed_too_big", failedTooBig),
      ("send_failed_not_permitted", failedNotPermitted), ("send_failed_other", failedOther),
    ]
  }
}
