/// What an Opus packet tells without decoding it (RFC 6716, section 3.1).
package struct OpusPacket: Hashable, Sendable, BitwiseCopyable {
  /// Length in units of the RTP clock (48 kHz); 120...5760.
  package var durationUnits: Int64
  /// It says that nothing follows for a while: discontinuous transmission (section 3.1, R1: a frame
  /// of no bytes), which encoders send as one or two bytes.
  package var isDiscontinuous: Bool
  /// Its first frame carries a coarse copy of the frame before it (section 4.2.5).
  package var hasRedundancy: Bool

  /// Reads the table of contents of `packet`; nil when it is no Opus packet.
  package init?(_ packet: UnsafeRawBufferPointer) {
    guard packet.count > 0, let frames = unsafe Self.frameCount(packet) else { return nil }
    let contents = unsafe packet[0]
    let frameDuration = Self.frameDurationUnits(contents)
    durationUnits = frameDuration * Int64(frames)
    guard frames > 0, durationUnits <= 5760 else { return nil }
    isDiscontinuous = packet.count <= 2
    hasRedundancy = unsafe Self.readRedundancy(packet, frameDuration: frameDuration)
  }

  /// Frames in the packet (section 3.2); nil when the byte that tells is missing.
  private static func frameCount(_ packet: UnsafeRawBufferPointer) -> Int? {
    switch unsafe packet[0] & 3 {
    case 0: 1
    case 1, 2: 2
    default: unsafe packet.count > 1 ? Int(packet[1] & 0x3F) : nil
    }
  }

  /// Table 2 of section 3.1.
  private static func frameDurationUnits(_ contents: UInt8) -> Int64 {
    let configuration = contents >> 3
    switch configuration {
    case 0..<12: return configuration & 3 == 3 ? 2880 : 480 << Int64(configuration & 3)
    case 12..<16: return configuration & 1 == 0 ? 480 : 960
    default: return 120 << Int64(configuration & 3)
    }
  }

  /// Only one frame in a packet is looked at: that is what browsers send. In SILK and hybrid modes
  /// the first bits are one voice flag for each 20 ms of the frame, then the redundancy flag.
  private static func readRedundancy(
    _ packet: UnsafeRawBufferPointer, frameDuration: Int64
  ) -> Bool {
    let contents = unsafe packet[0]
    guard contents >> 3 < 16, contents & 7 == 0, packet.count > 2 else { return false }
    let voiceFlags = max(1, Int(frameDuration / 960))
    return unsafe packet[1] >> (7 - voiceFlags) & 1 == 1
  }
}
