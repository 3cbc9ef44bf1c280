/// A sampling rate that libopus decodes to and encodes from directly. All PCM here is mono, 16
/// bits.
package enum PcmRate: Int32, Hashable, Sendable, CaseIterable {
  case hertz8000 = 8_000
  case hertz16000 = 16_000
  case hertz24000 = 24_000
  case hertz48000 = 48_000

  /// Samples in one frame: 20 ms, the step in which everything in this room moves.
  package var frameSampleCount: Int { Int(rawValue) / 50 }

  /// Units of the RTP clock, always 48 kHz for Opus (RFC 7587, section 4.1), in one sample.
  package var unitsPerSample: Int64 { 48_000 / Int64(rawValue) }

  /// Samples in `milliseconds`.
  package func sampleCount(milliseconds: Int) -> Int { Int(rawValue) / 1000 * milliseconds }

  /// Whole milliseconds in `samples`.
  package func milliseconds(samples: UInt64) -> UInt64 { samples * 1000 / UInt64(rawValue) }
}

/// One frame in the units of the RTP clock.
package let frameUnits: Int64 = 960
