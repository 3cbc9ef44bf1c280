package import Rtp
package import Wire

/// Turns frames of PCM into RTP packets of Opus (RFC 7587), one call each 20 ms.
///
/// Silence is not sent: after a fifth of a second of it one small packet each 400 ms keeps the
/// stream alive, while the timestamps go on. What is silence is decided here, by the samples being
/// zero, and not by libopus, whose own detector takes a steady tone or music on hold for noise and
/// stops it. The marker is set only on the first packet of a talk spurt, because Chrome empties its
/// jitter buffer at each one.
@safe package struct AudioSender: ~Copyable {
  package let ssrc: UInt32
  /// For the sender reports about this stream.
  package private(set) var statistics = SenderStatistics(clockRate: 48_000)

  private let payloadType: UInt8
  private var encoder: OpusEncoder
  private var expectedLossPercent: Int32
  private let silence: UnsafeMutableBufferPointer<Int16>
  private var sequenceNumber: UInt16
  private var timestamp: UInt32
  private var silentFrames = 0
  private var isInSpurt = false
  private var contents: UInt8 = 0
  private let usesDiscontinuousTransmission: Bool

  /// So many frames of silence are still encoded, so that the last sound can fade out.
  private static let silentFramesEncoded = 10
  /// More redundancy than for this would leave too few bits for the voice.
  private static let lossPercentMax: Int32 = 30
  /// Of those that follow one in so many is sent: the first, which tells the receiver that a pause
  /// begins, and then a sign of life each 400 ms.
  private static let silentFramesPerPacket = 20

  /// The first numbers are random, chosen by whoever owns randomness (RFC 3550, section 5.1).
  package init(
    ssrc: UInt32, payloadType: UInt8, rate: PcmRate, firstSequenceNumber: UInt16,
    firstTimestamp: UInt32, settings: OpusSettings = OpusSettings()
  ) {
    self.ssrc = ssrc
    self.payloadType = payloadType
    sequenceNumber = firstSequenceNumber
    timestamp = firstTimestamp
    usesDiscontinuousTransmission = settings.usesDiscontinuousTransmission
    encoder = OpusEncoder(rate: rate, settings: settings)
    expectedLossPercent = settings.expectedLossPercent
    unsafe silence = .allocate(capacity: rate.frameSampleCount)
    unsafe silence.initialize(repeating: 0)
  }

  deinit {
    unsafe silence.deallocate()
  }

  /// Takes note of what a receiver report says was lost since the report before, in 1/256
  /// (RFC 3550, section 6.4.1), and makes the encoder prepare for as much. Slow to forget: one
  /// good second does not make a network good.
  package mutating func noteReportedLoss(fraction: UInt8) {
    let reported = (Int32(fraction) * 100 + 255) / 256
    let percent = max(min(reported, Self.lossPercentMax), expectedLossPercent * 7 / 8)
    guard percent != expectedLossPercent else { return }
    expectedLossPercent = percent
    encoder.expectLoss(percent: percent)
  }

  /// The number of the packet that will be sent next.
  package var nextSequenceNumber: UInt16 { sequenceNumber }

  /// Takes the frame that is due at `now`, nil for silence, and writes an RTP packet into `output`;
  /// returns its length, 0 when nothing is to be sent. `output` needs 12 bytes and room for Opus
  /// (bit rate / 400 bytes do; 1,287 always do), and whatever SRTP appends afterwards.
  package mutating func send(
    _ frame: UnsafeBufferPointer<Int16>?, into output: UnsafeMutableRawBufferPointer,
    at now: Instant
  ) -> Int {
    defer { timestamp &+= UInt32(frameUnits) }
    let isSpeech = unsafe Self.isSpeech(frame)
    silentFrames = isSpeech ? 0 : silentFrames + 1
    let payload = unsafe UnsafeMutableRawBufferPointer(
      rebasing: output[RtpHeader.plainByteCount...])
    var count = 1
    if isPausing {
      guard isPausePacketDue else { return 0 }
      // A table of contents with a frame of no bytes (RFC 6716, section 3.2.1).
      unsafe payload[0] = contents & 0xFC
      isInSpurt = false
    } else {
      count = unsafe encoder.encode(frame ?? UnsafeBufferPointer(silence), into: payload)
      contents = unsafe payload[0]
    }
    unsafe writeHeader(isSpeech: isSpeech, into: output)
    statistics.note(timestamp: timestamp, payloadCount: count, at: now)
    return RtpHeader.plainByteCount + count
  }

  private var isPausing: Bool {
    usesDiscontinuousTransmission && silentFrames > Self.silentFramesEncoded
  }

  private var isPausePacketDue: Bool {
    (silentFrames - Self.silentFramesEncoded) % Self.silentFramesPerPacket == 1
  }

  /// There is a frame, and it is not all zeros.
  private static func isSpeech(_ frame: UnsafeBufferPointer<Int16>?) -> Bool {
    guard let frame = unsafe frame else { return false }
    return unsafe frame.contains { $0 != 0 }
  }

  private mutating func writeHeader(isSpeech: Bool, into output: UnsafeMutableRawBufferPointer) {
    let header = RtpHeader(
      marker: isSpeech && !isInSpurt, payloadType: payloadType, sequenceNumber: sequenceNumber,
      timestamp: timestamp, ssrc: ssrc)
    var writer = unsafe ByteWriter(into: output)
    header.write(to: &writer)
    sequenceNumber &+= 1
    isInSpurt = isInSpurt || isSpeech
  }
}
