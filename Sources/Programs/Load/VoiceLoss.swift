import Wire

/// A way on which voice gets lost: so many of a hundred packets, drawn from a seed, from a moment
/// on that is the same for all calls. Pure.
struct VoiceLoss {
  let percent: Int
  /// From then on.
  var begin = Instant.never
  private var random = SeededRandom(seed: 1)

  init(percent: Int) { self.percent = percent }

  /// For so much of the time a tone comes back all the same: what is made up for a lost packet is
  /// not the tone.
  var rightTenthsMin: Int { percent > 0 ? 3 : 9 }

  /// Whether this datagram is lost: an RTP packet (RFC 7983, section 7; RFC 5761, section 4).
  mutating func takes(_ datagram: RawSpan, at now: Instant) -> Bool {
    guard percent > 0, now >= begin, datagram.byteCount >= 12 else { return false }
    guard 128...191 ~= datagram.u8(at: 0), !(192...223 ~= datagram.u8(at: 1)) else { return false }
    return random.next() % 100 < UInt64(percent)
  }
}
