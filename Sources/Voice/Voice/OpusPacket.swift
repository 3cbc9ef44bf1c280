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

  /// In SILK and hybrid modes the first bits of a frame are one voice flag for each 20 ms of it,
  /// then the redundancy flag. Stereo is not looked at: nobody sends it here.
  private static func readRedundancy(
    _ packet: UnsafeRawBufferPointer, frameDuration: Int64
  ) -> Bool {
    let contents = unsafe packet[0]
    guard contents >> 3 < 16, contents & 4 == 0, packet.count > 2,
      let start = unsafe firstFrame(packet), start < packet.count
    else { return false }
    let voiceFlags = max(1, Int(frameDuration / 960))
    return unsafe packet[start] >> (7 - voiceFlags) & 1 == 1
  }

  /// Where the first frame begins (section 3.2); nil when that is beyond the end.
  private static func firstFrame(_ packet: UnsafeRawBufferPointer) -> Int? {
    switch unsafe packet[0] & 3 {
    case 0, 1: return 1
    case 2: return unsafe 1 + lengthByteCount(packet, at: 1)
    default:
      let flags = unsafe packet[1]
      var place = 2
      if flags & 0x40 != 0 {
        // Each 255 says that the count of padding goes on.
        while place < packet.count, unsafe packet[place] == 255 { place += 1 }
        place += 1
      }
      guard flags & 0x80 != 0 else { return place }
      for _ in 1..<max(1, flags & 0x3F) {
        guard place < packet.count else { return nil }
        place += unsafe lengthByteCount(packet, at: place)
      }
      return place
    }
  }

  /// A frame's length takes one byte, or two from 252 on.
  private static func lengthByteCount(_ packet: UnsafeRawBufferPointer, at place: Int) -> Int {
    unsafe packet[place] < 252 ? 1 : 2
  }
}
