/// How the next packet of Opus is to be made.
package struct EncodingPlan: Hashable, Sendable {
  /// Which of Opus's two coders does the work (RFC 6716, section 2).
  package enum Coder: UInt8, Hashable, Sendable {
    /// The MDCT layer: at 64 kbit/s as good as the other, for a third of its processor time.
    case celt
    /// The speech layer: better below 48 kbit/s, and the only one that can carry a coarse copy of
    /// the frame before.
    case silk
  }

  /// No more than advice: libopus is told what kind of sound it gets, and chooses by that.
  package var coder = Coder.celt
  /// Bits per second of Opus, a copy (`carriesCopy`) not counted.
  package var bitsPerSecond: Int32 = 32_000
  /// Sound in a packet: 20, 40 or 60 ms.
  package var packetMilliseconds = 20
  /// 0...10; each step costs processor time.
  package var complexity: Int32 = 5
  /// The loss to prepare for by in-band redundancy, in per cent; 0 without, and with `celt`.
  package var lossPercent: Int32 = 0
  /// Each packet repeats the one before it (RFC 2198).
  package var carriesCopy = false

  /// For a network of which nothing is known: the cheap coder, and no protection against loss.
  package init() {}

  /// Frames of 20 ms in a packet.
  package var frameCount: Int { packetMilliseconds / 20 }
}
