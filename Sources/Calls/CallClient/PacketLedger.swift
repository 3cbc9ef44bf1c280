import Rtp

/// What a caller knows of its call's RTP packets, each way apart. Numbers only.
///
/// Loss is what was sent minus what is known to have come: where nobody can tell, a packet counts
/// as lost. What still flies as the caller falls silent is waited for (`graceMilliseconds`).
package struct PacketLedger: Equatable, Sendable {
  /// What a call that ends waits for its last packets, beside a round trip.
  package static let graceMilliseconds: UInt64 = 200

  /// To the server: sent, and of these what its last receiver report says came (RFC 3550, 6.4.2).
  /// Who loses the very first packets does not know of them, so those are not in its reports.
  package private(set) var sent: UInt64 = 0
  package private(set) var arrived: UInt64 = 0
  /// Sent up to the last one that a report tells of.
  private var reported: UInt64 = 0

  /// From the server: what came, and of these what came as long as it can be the answer to a packet
  /// of ours: one for each that was sent.
  package private(set) var received: UInt64 = 0
  package private(set) var returned: UInt64 = 0
  /// Gaps in the server's sequence numbers, and how many numbers lie between its first and last.
  private var gaps: Int64 = 0
  private var span: Int64 = 0
  /// What the server says that it has sent, and how much of that lay before the first that came:
  /// the least that any report left over, because one may overtake a packet.
  private var told: Int64?
  private var missedBefore = Int64.max

  package init() {}

  /// Of what was sent, packets that no report tells of: they count as lost.
  package var unreported: UInt64 { sent - min(reported, sent) }
  package var lostToServer: UInt64 { sent - min(arrived, sent) }

  /// What did not come of what the server sent: the gaps, and by its own count what was before the
  /// first that came and after the last.
  package var lostFromServer: UInt64 {
    guard let told else { return UInt64(max(0, gaps)) }
    // One that was overtaken by the first is missed there, and one gap less than none.
    return UInt64(max(0, gaps + max(0, missedBefore, told - span)))
  }
  package var sentByServer: UInt64 { received + lostFromServer }

  /// Of what was sent, packets for which none came back from a server that returns each.
  package var notReturned: UInt64 { sent - min(returned, sent) }

  mutating func noteSent() { sent += 1 }

  /// The server's report on a stream that began with `firstSequenceNumber`.
  mutating func note(_ block: ReportBlock, firstSequenceNumber: UInt16) {
    let expected = Int64(block.highestSequence) - Int64(firstSequenceNumber) + 1
    guard expected > 0 else { return }
    reported = max(reported, UInt64(expected))
    // Duplicates can outweigh losses in a report, but nothing arrives that was not sent.
    arrived = UInt64(max(0, min(expected, expected - Int64(block.cumulativeLost))))
  }

  /// The server's word on how much it has sent.
  mutating func noteSenderReport(packetCount: UInt32, source: ReceiverStatistics?) {
    guard let source else { return }
    note(source)
    told = Int64(packetCount)
    missedBefore = min(missedBefore, Int64(packetCount) - span)
  }

  /// A packet of the server's came; `isInTime` unless the caller has long been silent.
  mutating func noteReceived(_ source: ReceiverStatistics?, isInTime: Bool) {
    guard let source else { return }
    note(source)
    received = source.received
    if isInTime && (returned < sent) { returned += 1 }
  }

  private mutating func note(_ source: ReceiverStatistics) {
    gaps = Int64(source.cumulativeLost)
    span = Int64(source.expected)
  }
}
