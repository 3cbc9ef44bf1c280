package import Voice

/// The frames of Asterisk's AudioSocket: a byte of type, two of length (network order), a payload.
package enum AudioSocketFrame {
  /// Of type and length.
  package static let headerByteCount = 3
  /// Who sends it hangs up; no payload.
  package static let hangUp: UInt8 = 0x00
  /// Who calls: 16 bytes, the first frame of a connection.
  package static let uuid: UInt8 = 0x01
  /// One ASCII character.
  package static let dtmf: UInt8 = 0x03
  /// Something failed; one byte of a code, or none.
  package static let error: UInt8 = 0xFF
  /// Signed 16 bits, little-endian, mono, at eight rates: 8, 12, 16, 24, 32, 44.1, 48, 96 kHz.
  package static let audio: ClosedRange<UInt8> = 0x10...0x17

  /// The type of audio at `rate`.
  package static func audioType(_ rate: PcmRate) -> UInt8 {
    switch rate {
    case .hertz8000: 0x10
    case .hertz16000: 0x12
    case .hertz24000: 0x13
    case .hertz48000: 0x16
    }
  }

  /// A frame of at most 65,535 bytes of payload.
  package static func make(_ type: UInt8, _ payload: [UInt8]) -> [UInt8] {
    precondition(payload.count <= 0xFFFF, "no frame is that long")
    return [type, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)] + payload
  }

  /// A frame of sound; one allocation.
  package static func make(_ samples: UnsafeBufferPointer<Int16>, rate: PcmRate) -> [UInt8] {
    let payload = UnsafeRawBufferPointer(samples)
    let count = headerByteCount + payload.count
    return unsafe [UInt8](unsafeUninitializedCapacity: count) { bytes, used in
      unsafe bytes[0] = audioType(rate)
      unsafe bytes[1] = UInt8(payload.count >> 8)
      unsafe bytes[2] = UInt8(payload.count & 0xFF)
      let target = unsafe UnsafeMutableRawBufferPointer(
        rebasing: UnsafeMutableRawBufferPointer(bytes)[headerByteCount..<count])
      unsafe target.copyMemory(from: payload)
      used = count
    }
  }
}

/// Puts the frames of a stream together, however it was cut up. Keeps at most one frame.
package struct AudioSocketReader: Sendable {
  private var partial: [UInt8] = []

  /// At the beginning of a stream.
  package init() {}

  /// Takes a piece of the stream and gives each whole frame's type and payload to `body`, valid
  /// during the call. There is no way to be out of step, so none to be malformed.
  package mutating func read(
    _ piece: [UInt8], _ body: (UInt8, UnsafeRawBufferPointer) -> Void
  ) {
    unsafe piece.withUnsafeBytes { bytes in
      var offset = 0
      if !partial.isEmpty { unsafe offset = complete(bytes, body) }
      while let length = unsafe Self.frameLength(bytes, at: offset),
        offset + length <= bytes.count
      {
        let payload = unsafe UnsafeRawBufferPointer(
          rebasing: bytes[(offset + AudioSocketFrame.headerByteCount)..<(offset + length)])
        unsafe body(bytes[offset], payload)
        offset += length
      }
      unsafe partial.append(contentsOf: bytes[offset...])
    }
  }

  /// Adds to the frame that was begun; gives the offset behind what was used.
  private mutating func complete(
    _ bytes: UnsafeRawBufferPointer, _ body: (UInt8, UnsafeRawBufferPointer) -> Void
  ) -> Int {
    var offset = 0
    while offset < bytes.count {
      let length = unsafe partial.withUnsafeBytes { unsafe Self.frameLength($0, at: 0) }
      if partial.count == length { break }
      let missing = (length ?? AudioSocketFrame.headerByteCount) - partial.count
      let taken = min(missing, bytes.count - offset)
      unsafe partial.append(contentsOf: bytes[offset..<offset + taken])
      offset += taken
    }
    let isWhole = unsafe partial.withUnsafeBytes { frame in
      guard let length = unsafe Self.frameLength(frame, at: 0), length == frame.count
      else { return false }
      unsafe body(
        frame[0], UnsafeRawBufferPointer(rebasing: frame[AudioSocketFrame.headerByteCount...]))
      return true
    }
    if isWhole { partial.removeAll(keepingCapacity: true) }
    return offset
  }

  /// The whole length of the frame at `offset`; nil before its header is there.
  private static func frameLength(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int? {
    guard offset + AudioSocketFrame.headerByteCount <= bytes.count else { return nil }
    return unsafe AudioSocketFrame.headerByteCount
      + (Int(bytes[offset + 1]) << 8 | Int(bytes[offset + 2]))
  }
}
