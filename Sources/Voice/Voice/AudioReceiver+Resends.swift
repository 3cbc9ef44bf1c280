package import Rtp
package import Wire

/// Asking again for what is missing (RFC 4585, generic NACK).
extension AudioReceiver {
  /// Whatever the round trip, nothing is waited for longer: then a gap is better than the delay.
  private static let patienceMillisecondsMax: UInt64 = 140
  /// What a packet that was asked for takes beyond its round trip, ours to look included.
  private static let marginMicroseconds: UInt64 = 40_000
  /// Before anything was measured.
  private static let roundTripMicrosecondsUsual: UInt64 = 60_000

  /// When `takeRequest` is to be called next; `.never` while nothing is missing.
  package var requestDeadline: Instant { asksForResends ? resends.deadline : .never }

  /// What to ask the sender for at `now`, and about which source; nil when that is nothing.
  package mutating func takeRequest(at now: Instant) -> (request: ResendRequest, ssrc: UInt32)? {
    guard asksForResends, now >= resends.deadline, let source else { return nil }
    let trip = resendRoundTripMicroseconds(at: now)
    let request = resends.take(
      at: now, roundTripMicroseconds: trip, patienceMilliseconds: patienceMilliseconds(trip))
    return request.map { ($0, source.ssrc) }
  }

  /// A copy of the packet with this source and number may be the answer to a request of ours, the
  /// first having come after all.
  package func mayBeRepeated(ssrc: UInt32, sequenceNumber: UInt16) -> Bool {
    asksForResends && source?.ssrc == ssrc && resends.hasAsked(for: sequenceNumber)
  }

  /// Packets that were asked for.
  package var askedPackets: UInt64 { resends.askedPackets }
  /// Packets that came after they were asked for.
  package var answeredPackets: UInt64 { resends.answeredPackets }

  /// Takes note of a number of the source's that came; true when it was asked for.
  mutating func wasAsked(for sequenceNumber: UInt16, at now: Instant) -> Bool {
    guard asksForResends else { return false }
    let wasAsked = resends.note(
      sequenceNumber, isReordering: jitter.isReordering(at: now), at: now)
    let trip = resendRoundTripMicroseconds(at: now)
    let isWaiting =
      resends.isAnswered(at: now) && trip ?? 0 < ResendRequests.roundTripMicrosecondsMax
    jitter.resendUnits = isWaiting ? Int64(heldMilliseconds(trip)) * 48 : 0
    return wasAsked
  }

  private func resendRoundTripMicroseconds(at now: Instant) -> UInt64? {
    resends.roundTripMicroseconds(at: now) ?? roundTripMicroseconds
  }

  /// A paced listener pays with delay for every frame, so it holds back for one request only.
  private func heldMilliseconds(_ trip: UInt64?) -> UInt64 {
    guard !isPrompt else { return patienceMilliseconds(trip) }
    return ((trip ?? Self.roundTripMicrosecondsUsual) + Self.marginMicroseconds / 2) / 1_000
  }

  /// How long a hole is kept open: as long as a second request needs, since the first, or what it
  /// asks for, is lost as easily as the packet was. What is not lost twice does not wait so long.
  private func patienceMilliseconds(_ trip: UInt64?) -> UInt64 {
    let trip = trip ?? Self.roundTripMicrosecondsUsual
    return min((2 * trip + Self.marginMicroseconds) / 1_000, Self.patienceMillisecondsMax)
  }
}
