internal import Wire

/// CRC-32C (Castagnoli), the checksum of an SCTP packet (RFC 9260, section 6.8 and appendix A).
///
/// Eight bytes at a time: row `n` of the table is what a byte becomes when `n` zero bytes follow.
package enum Crc32c {
  /// The checksum of all of `packet`, with bytes 8 to 11 taken as zero: how a packet's own field
  /// counts. Shorter packets are taken as they are.
  package static func ofPacket(_ packet: RawSpan) -> UInt32 {
    guard packet.byteCount >= 12 else { return of(packet) }
    var register: UInt32 = 0xFFFF_FFFF
    update(&register, packet, from: 0, to: 8)
    for _ in 0..<4 { register = register >> 8 ^ rows[Int(register & 0xFF)] }
    update(&register, packet, from: 12, to: packet.byteCount)
    return ~register
  }

  /// The checksum of `bytes`.
  package static func of(_ bytes: RawSpan) -> UInt32 {
    var register: UInt32 = 0xFFFF_FFFF
    update(&register, bytes, from: 0, to: bytes.byteCount)
    return ~register
  }

  private static func update(
    _ register: inout UInt32, _ bytes: RawSpan, from start: Int, to end: Int
  ) {
    let rows = rows
    var offset = start
    while end - offset >= 8 {
      let low = bytes.u32(at: offset).byteSwapped ^ register
      let high = bytes.u32(at: offset + 4).byteSwapped
      register =
        rows[1792 + Int(low & 0xFF)] ^ rows[1536 + Int(low >> 8 & 0xFF)]
        ^ rows[1280 + Int(low >> 16 & 0xFF)] ^ rows[1024 + Int(low >> 24)]
      register ^=
        rows[768 + Int(high & 0xFF)] ^ rows[512 + Int(high >> 8 & 0xFF)]
        ^ rows[256 + Int(high >> 16 & 0xFF)] ^ rows[Int(high >> 24)]
      offset += 8
    }
    while offset < end {
      register = register >> 8 ^ rows[Int(register & 0xFF ^ UInt32(bytes.u8(at: offset)))]
      offset += 1
    }
  }

  /// Eight rows of 256, made from the reflected polynomial when the first packet comes.
  private static let rows: [UInt32] = {
    var rows = [UInt32](repeating: 0, count: 2048)
    for index in 0..<256 {
      var value = UInt32(index)
      for _ in 0..<8 { value = value >> 1 ^ (value & 1 == 1 ? 0x82F6_3B78 : 0) }
      rows[index] = value
    }
    for index in 256..<2048 {
      let before = rows[index - 256]
      rows[index] = before >> 8 ^ rows[Int(before & 0xFF)]
    }
    return rows
  }()
}
