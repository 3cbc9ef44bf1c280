import COpus

/// How an `OpusEncoder` is to work.
package struct OpusSettings: Hashable, Sendable {
  /// The fewest bits per second that Opus has a meaning for (RFC 7587, section 6.1).
  package static let bitsPerSecondMin: Int32 = 6_000
  /// On a good network; 6,000...510,000.
  package var bitsPerSecond: Int32 = 64_000
  /// The most that the receiver wants of Opus alone, bits per second, 6,000...510,000
  /// (`maxaveragebitrate`, `b=TIAS`).
  package var bitsPerSecondMax: Int32 = 510_000
  /// The most that the receiver wants on the wire, headers of every layer included, bits per second
  /// (`b=AS`); nil for no limit. At n ms a packet, headers are 400,000 / n bits per second.
  package var wireBitsPerSecondMax: Int32?
  /// The most sound in one packet, milliseconds: 20, 40 or 60 (`a=maxptime`).
  package var packetMillisecondsMax = 60
  /// Each packet carries a coarse copy of the frame before it when loss is expected.
  package var usesForwardErrorCorrection = true
  /// Silence is not sent, but for a small packet each 400 ms (see `AudioSender`).
  package var usesDiscontinuousTransmission = true

  /// For a good network, and a receiver that sets no limits.
  package init() {}

  /// Where rows of packets get lost; more than 96,000 nobody hears.
  var bitsPerSecondInRows: Int32 { max(bitsPerSecond, min(bitsPerSecond / 2 * 3, 96_000)) }
}

/// One libopus encoder, mono. Memory is taken at creation only.
@safe package struct OpusEncoder: ~Copyable {
  /// Of the sound that goes in; timestamps count at 48 kHz all the same (RFC 7587, section 4.1).
  package let rate: PcmRate
  private let encoder: OpaquePointer
  private var plan: EncodingPlan

  /// One frame of Opus is not longer (RFC 6716, section 3.2.1).
  private static let byteCountMax = 1_275

  /// Traps when memory is exhausted or a setting is out of its range.
  package init(rate: PcmRate, plan: EncodingPlan = EncodingPlan()) {
    self.rate = rate
    var status: Int32 = 0
    // The application cannot change after the first frame, and this one allows either coder.
    let created = unsafe opus_encoder_create(rate.rawValue, 1, OPUS_APPLICATION_AUDIO, &status)
    guard status == 0, let created = unsafe created else {
      preconditionFailure("out of memory for an Opus encoder")
    }
    unsafe encoder = created
    self.plan = plan
    set(plan)
  }

  deinit {
    unsafe opus_encoder_destroy(encoder)
  }

  /// Works by `plan` from the next packet on. Allocates nothing.
  package mutating func follow(_ plan: EncodingPlan) {
    guard plan != self.plan else { return }
    self.plan = plan
    set(plan)
  }

  /// The coder is never forced: libopus takes `celt` for what may be music when there are bits
  /// enough, and `silk` for what is said to be speech, surely so when there is loss to prepare for.
  private func set(_ plan: EncodingPlan) {
    let isSpeech: Int32 = plan.coder == .silk ? 1 : 0
    let hasRedundancy: Int32 = plan.coder == .silk && plan.lossPercent > 0 ? 1 : 0
    // Each returns 0 or a negative number.
    let refusals =
      unsafe martlet_opus_set_bitrate(encoder, plan.bitsPerSecond)
      + martlet_opus_set_complexity(encoder, plan.complexity)
      + martlet_opus_set_voice_signal(encoder, isSpeech)
      + martlet_opus_set_inband_fec(encoder, hasRedundancy, plan.lossPercent)
    precondition(refusals == 0, "an Opus setting is out of range")
  }

  /// Encodes `sound`, of 20, 40 or 60 ms, into at most `output.count` bytes and returns how many.
  package mutating func encode(
    _ sound: UnsafeBufferPointer<Int16>, into output: UnsafeMutableRawBufferPointer
  ) -> Int {
    let frames = sound.count / rate.frameSampleCount
    precondition(
      1...3 ~= frames && sound.count == frames * rate.frameSampleCount, "not one to three frames")
    precondition(output.count > 2, "no room for a packet")
    let count = unsafe opus_encode(
      encoder, sound.baseAddress!, Int32(sound.count),
      output.baseAddress!.assumingMemoryBound(to: UInt8.self),
      Int32(min(output.count, Self.byteCountMax)))
    precondition(count > 0, "libopus refused sound of the right length")
    return Int(count)
  }
}
