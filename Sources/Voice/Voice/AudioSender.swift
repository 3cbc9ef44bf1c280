package import Rtp
package import Wire

/// Turns frames of PCM into RTP packets of Opus (RFC 7587), one call each 20 ms.
///
/// Silence is not sent frame by frame: after a fifth of a second of it one packet each 400 ms keeps
/// the stream alive, while the timestamps go on. The marker is set only on the first packet of a talk
/// spurt, because Chrome empties its jitter buffer at each one.
@safe package struct AudioSender: ~Copyable {
  package let ssrc: UInt32
  /// For the sender reports about this stream.
  package private(set) var statistics = SenderStatistics(clockRate: 48_000)

  private let payloadType: UInt8
  private var encoder: OpusEncoder
  private let silence: UnsafeMutableBufferPointer<Int16>
  private var sequenceNumber: UInt16
  private var timestamp: UInt32
  private var framesSinceSent = 0
  private var discontinuousFrames = 0
  private var isInSpurt = false

  /// libopus refreshes its silence after so many frames; in between it makes packets of one or two
  /// bytes, of which one in so many is sent as a sign of life.
  private static let framesBetweenPackets = 20

  /// The first numbers are random, chosen by whoever owns randomness (RFC 3550, section 5.1).
  package init(
    ssrc: UInt32, payloadType: UInt8, rate: PcmRate, firstSequenceNumber: UInt16,
    firstTimestamp: UInt32, settings: OpusSettings = OpusSettings()
  ) {
    self.ssrc = ssrc
    self.payloadType = payloadType
    sequenceNumber = firstSequenceNumber
    timestamp = firstTimestamp
    encoder = OpusEncoder(rate: rate, settings: settings)
    unsafe silence = .allocate(capacity: rate.frameSampleCount)
    unsafe silence.initialize(repeating: 0)
  }

  deinit {
    unsafe silence.deallocate()
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
    framesSinceSent += 1
    if unsafe frame == nil, canSkipSilence { return 0 }
    let payload = unsafe UnsafeMutableRawBufferPointer(
      rebasing: output[RtpHeader.plainByteCount...])
    let count = unsafe encoder.encode(frame ?? UnsafeBufferPointer(silence), into: payload)
    let isRefresh = discontinuousFrames == Self.framesBetweenPackets
    discontinuousFrames = count <= 2 ? discontinuousFrames + 1 : 0
    // The first small packet tells the receiver that silence begins.
    if discontinuousFrames > 1, framesSinceSent < Self.framesBetweenPackets { return 0 }
    unsafe writeHeader(isSpeech: frame != nil && count > 2 && !isRefresh, into: output)
    if count <= 2 { isInSpurt = false }
    statistics.note(timestamp: timestamp, payloadCount: count, at: now)
    framesSinceSent = 0
    return RtpHeader.plainByteCount + count
  }

  /// The encoder has said that this silence has settled: it need not even be asked until the next
  /// sign of life is due. An idle call costs a twentieth of a talking one.
  private var canSkipSilence: Bool {
    discontinuousFrames > 0 && framesSinceSent < Self.framesBetweenPackets
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
