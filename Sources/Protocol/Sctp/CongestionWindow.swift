/// Slow start, congestion avoidance and fast recovery for the one path (RFC 9260, section 7.2).
struct CongestionWindow {
  private let packetBytes: Int
  private(set) var bytes: Int
  private var slowStartThreshold: Int
  private var partialBytesAcked = 0
  /// The highest TSN sent when fast recovery began.
  private var recoveryExit: UInt32?

  /// Nobody needs a window larger than what may wait to be sent.
  private static let bytesMax = 1 << 24

  /// Slow start goes on until something is lost (section 7.2.1): nothing is known of the path.
  init(packetBytes: Int) {
    self.packetBytes = packetBytes
    bytes = min(4 * packetBytes, max(2 * packetBytes, 4404))
    slowStartThreshold = Self.bytesMax
  }

  var isRecovering: Bool { recoveryExit != nil }

  /// The cumulative TSN has moved to `cumulativeTsn`; `wasFull` says whether the window was used
  /// before.
  mutating func acknowledge(bytes acked: Int, cumulativeTsn: UInt32, wasFull: Bool, isIdle: Bool) {
    let recovering = isRecovering
    if let exit = recoveryExit, !exit.isAfter(cumulativeTsn) { recoveryExit = nil }
    if bytes <= slowStartThreshold {
      if wasFull, !recovering { bytes += min(acked, packetBytes) }
    } else {
      partialBytesAcked += acked
      if partialBytesAcked >= bytes, wasFull {
        partialBytesAcked -= bytes
        bytes += packetBytes
      }
    }
    bytes = min(bytes, Self.bytesMax)
    if isIdle { partialBytesAcked = 0 }
  }

  /// Chunks were reported missing three times: halves, once for each window. False when already
  /// recovering.
  mutating func enterRecovery(highestTsn: UInt32) -> Bool {
    guard recoveryExit == nil else { return false }
    slowStartThreshold = max(bytes / 2, 4 * packetBytes)
    bytes = slowStartThreshold
    partialBytesAcked = 0
    recoveryExit = highestTsn
    return true
  }

  /// T3-rtx expired.
  mutating func collapse() {
    slowStartThreshold = max(bytes / 2, 4 * packetBytes)
    bytes = packetBytes
    partialBytesAcked = 0
    recoveryExit = nil
  }

  /// Nothing was sent for a timeout: what was known of the path is getting old.
  mutating func decay() { bytes = max(bytes / 2, min(bytes, 4 * packetBytes)) }
}
