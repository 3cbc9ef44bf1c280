/// How far the packets of one source (SSRC) of a peer have come.
///
/// The index of an RTP packet is not in it; libsrtp guesses its upper bits and does not tell the
/// guess. This guesses alike, fed with the same packets, so it knows what libsrtp took the packet
/// for.
struct SrtpSource: BitwiseCopyable {
  let ssrc: UInt32
  /// The highest index so far (48 bits, RFC 3711, section 3.3.1); nil before the first packet.
  private var rtpIndex: UInt64?
  /// The highest SRTCP index so far (31 bits, RFC 3711, section 3.4).
  private var rtcpIndex: UInt32?

  init(ssrc: UInt32) { self.ssrc = ssrc }

  /// Takes note of an authenticated RTP packet; whether its index is higher than every earlier one.
  mutating func isNewest(sequenceNumber: UInt16) -> Bool {
    let index = guessedIndex(sequenceNumber)
    if let rtpIndex, index <= rtpIndex { return false }
    rtpIndex = index
    return true
  }

  /// The same for an SRTCP packet, which carries its index.
  mutating func isNewest(rtcpIndex index: UInt32) -> Bool {
    if let rtcpIndex, index <= rtcpIndex { return false }
    rtcpIndex = index
    return true
  }

  /// RFC 3711, appendix A, but that below 2^15 no packet is taken for one before the first
  /// rollover.
  private func guessedIndex(_ sequenceNumber: UInt16) -> UInt64 {
    let number = UInt64(sequenceNumber)
    guard let rtpIndex, rtpIndex > Self.median else { return number }
    let rollovers = rtpIndex >> 16
    let highest = rtpIndex & 0xFFFF
    if highest < Self.median {
      return (number > highest + Self.median ? rollovers - 1 : rollovers) << 16 | number
    }
    return (highest - Self.median > number ? rollovers + 1 : rollovers) << 16 | number
  }

  private static let median: UInt64 = 1 << 15
}
