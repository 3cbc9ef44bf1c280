import Wire

/// RTCP packet types this project knows (RFC 3550, section 12.1; RFC 4585, section 6.1).
package enum RtcpType {
  /// SR: what a sender says of itself, then report blocks (RFC 3550, section 6.4.1).
  package static let senderReport: UInt8 = 200
  /// RR: report blocks alone (RFC 3550, section 6.4.2).
  package static let receiverReport: UInt8 = 201
  /// SDES: names of sources (RFC 3550, section 6.5).
  package static let sourceDescription: UInt8 = 202
  /// BYE: sources that leave (RFC 3550, section 6.6).
  package static let goodbye: UInt8 = 203
  /// RTPFB: a generic NACK as format 1 (RFC 4585, section 6.2.1), transport-wide feedback as 15.
  /// Other formats are passed over.
  package static let transportFeedback: UInt8 = 205
  /// PSFB: about pictures (RFC 4585, section 6.3), so it is passed over.
  package static let payloadFeedback: UInt8 = 206
}

/// What a sender says of itself (RFC 3550, section 6.4.1): 20 bytes of a sender report.
package struct SenderInfo: Hashable, Sendable, BitwiseCopyable {
  /// When the report was made: seconds in the high half, their fraction in the low half.
  package var ntpTime: UInt64
  /// The same moment on the media clock.
  package var rtpTime: UInt32
  /// Since the sender began, modulo 2^32.
  package var packetCount: UInt32
  /// Bytes of payload, without headers and padding.
  package var octetCount: UInt32

  /// Converts nothing: all as on the wire. `SenderStatistics.report` makes such of our own stream.
  package init(ntpTime: UInt64, rtpTime: UInt32, packetCount: UInt32, octetCount: UInt32) {
    self.ntpTime = ntpTime
    self.rtpTime = rtpTime
    self.packetCount = packetCount
    self.octetCount = octetCount
  }
}

/// One reception report block (RFC 3550, section 6.4.1): 24 bytes.
package struct ReportBlock: Hashable, Sendable, BitwiseCopyable {
  /// The source that is reported on.
  package var ssrc: UInt32
  /// Lost since the last report, in 256ths of what was expected.
  package var fractionLost: UInt8
  /// Lost since the beginning; 24 bits signed on the wire, negative when duplicates outweigh
  /// losses.
  package var cumulativeLost: Int32
  /// Roll-overs of the sequence number in the high half, the highest one received in the low half.
  package var highestSequence: UInt32
  /// Interarrival jitter in units of the media clock.
  package var jitter: UInt32
  /// The middle 32 bits of the NTP time of the last sender report; 0 when none came.
  package var lastSenderReport: UInt32
  /// Since that report came, in 65,536ths of a second.
  package var delaySinceLastSenderReport: UInt32

  /// On the wire, where blocks follow each other without gaps.
  package static let byteCount = 24

  /// `cumulativeLost` is not checked: writing clamps it to 24 bits. The defaults are those of a
  /// source of which nothing is known.
  package init(
    ssrc: UInt32, fractionLost: UInt8 = 0, cumulativeLost: Int32 = 0, highestSequence: UInt32 = 0,
    jitter: UInt32 = 0, lastSenderReport: UInt32 = 0, delaySinceLastSenderReport: UInt32 = 0
  ) {
    self.ssrc = ssrc
    self.fractionLost = fractionLost
    self.cumulativeLost = cumulativeLost
    self.highestSequence = highestSequence
    self.jitter = jitter
    self.lastSenderReport = lastSenderReport
    self.delaySinceLastSenderReport = delaySinceLastSenderReport
  }

  /// Reads the block at `offset`, where 24 bytes must be.
  package init(_ bytes: RawSpan, at offset: Int) {
    let loss = bytes.u32(at: offset + 4)
    self.init(
      ssrc: bytes.u32(at: offset), fractionLost: UInt8(loss >> 24),
      cumulativeLost: Int32(bitPattern: loss << 8) >> 8,
      highestSequence: bytes.u32(at: offset + 8), jitter: bytes.u32(at: offset + 12),
      lastSenderReport: bytes.u32(at: offset + 16),
      delaySinceLastSenderReport: bytes.u32(at: offset + 20))
  }

  func write(to writer: inout ByteWriter) {
    let lost = UInt32(bitPattern: min(max(cumulativeLost, -0x80_0000), 0x7F_FFFF)) & 0xFF_FFFF
    writer.append(u32: ssrc)
    writer.append(u32: UInt32(fractionLost) << 24 | lost)
    writer.append(u32: highestSequence)
    writer.append(u32: jitter)
    writer.append(u32: lastSenderReport)
    writer.append(u32: delaySinceLastSenderReport)
  }
}

/// Tells RTCP from RTP on one port (RFC 5761, section 4): by the second byte, 192...223.
///
/// False for fewer than eight bytes, which neither of the two can be.
package func isRtcp(_ bytes: RawSpan) -> Bool {
  bytes.byteCount >= 8 && bytes.u8(at: 1) & 0xE0 == 0xC0
}
