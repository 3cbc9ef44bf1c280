import COpus

/// How an `OpusEncoder` is to work.
package struct OpusSettings: Hashable, Sendable {
  /// The fewest bits per second that Opus has a meaning for (RFC 7587, section 6.1).
  package static let bitsPerSecondMin: Int32 = 6_000
  /// 6,000...510,000.
  package var bitsPerSecond: Int32 = 32_000
  /// 0...10; each step costs CPU time.
  package var complexity: Int32 = 5
  /// Each packet carries a coarse copy of the frame before it when loss is expected.
  package var usesForwardErrorCorrection = true
  /// 0...100; how much loss to prepare for at first, see `expectLoss`.
  package var expectedLossPercent: Int32 = 0
  /// Silence is not sent, but for a small packet each 400 ms (see `AudioSender`).
  package var usesDiscontinuousTransmission = true

  package init() {}
}

/// One libopus encoder, mono. Memory is taken at creation only.
@safe package struct OpusEncoder: ~Copyable {
  package let rate: PcmRate
  private let encoder: OpaquePointer
  private let usesForwardErrorCorrection: Bool

  /// Traps when memory is exhausted or a setting is out of its range.
  package init(rate: PcmRate, settings: OpusSettings = OpusSettings()) {
    self.rate = rate
    var status: Int32 = 0
    // Without loss libopus then takes its MDCT layer, at a third of the speech layer's CPU time;
    // with loss to prepare for, the speech layer, the only one that carries redundancy.
    let created = unsafe opus_encoder_create(rate.rawValue, 1, OPUS_APPLICATION_AUDIO, &status)
    guard status == 0, let created = unsafe created else {
      preconditionFailure("out of memory for an Opus encoder")
    }
    unsafe encoder = created
    usesForwardErrorCorrection = settings.usesForwardErrorCorrection
    let fec: Int32 = settings.usesForwardErrorCorrection ? 1 : 0
    // Each returns 0 or a negative number.
    let refusals =
      unsafe martlet_opus_set_bitrate(created, settings.bitsPerSecond)
      + martlet_opus_set_complexity(created, settings.complexity)
      + martlet_opus_set_inband_fec(created, fec, settings.expectedLossPercent)
    precondition(refusals == 0, "an Opus setting is out of range")
  }

  deinit {
    unsafe opus_encoder_destroy(encoder)
  }

  /// Prepares for `percent` (0...100) of the packets to be lost from the next frame on. Has no
  /// effect without forward error correction. Allocates nothing.
  package mutating func expectLoss(percent: Int32) {
    let on: Int32 = usesForwardErrorCorrection ? 1 : 0
    let refusal = unsafe martlet_opus_set_inband_fec(encoder, on, percent)
    precondition(refusal == 0, "a loss outside 0...100 per cent")
  }

  /// Encodes one frame of 20 ms into at most `output.count` bytes and returns how many.
  package mutating func encode(
    _ frame: UnsafeBufferPointer<Int16>, into output: UnsafeMutableRawBufferPointer
  ) -> Int {
    precondition(frame.count == rate.frameSampleCount, "not one frame")
    precondition(output.count > 2, "no room for a packet")
    let count = unsafe opus_encode(
      encoder, frame.baseAddress!, Int32(frame.count),
      output.baseAddress!.assumingMemoryBound(to: UInt8.self), Int32(min(output.count, 1275)))
    precondition(count > 0, "libopus refused a frame of the right length")
    return Int(count)
  }
}
