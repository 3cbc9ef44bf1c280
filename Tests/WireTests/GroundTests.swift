import Testing
import Wire

@Suite("The small ground types")
struct GroundTests {
  /// RFC 7983, section 7, with the ranges of RFC 9443, for all 256 first bytes.
  @Test func datagramKinds() {
    for byte in UInt8.min ... .max {
      let expected: DatagramKind =
        switch byte {
        case 0, 1, 2, 3: .stun
        case 20, 21, 22, 23, 24...63: .dtls
        case 128...191: .media
        default: .other
        }
      #expect(DatagramKind.classify(firstByte: byte) == expected, "first byte \(byte)")
    }
  }

  @Test func readersAreBigEndian() {
    let octets: [UInt8] = [0xFF, 1, 2, 3, 4, 5, 6, 7, 8]
    #expect(unsafe octets.span.bytes.u8(at: 0) == 0xFF)
    #expect(unsafe octets.span.bytes.u16(at: 1) == 0x0102)
    #expect(unsafe octets.span.bytes.u32(at: 1) == 0x0102_0304)
    #expect(unsafe octets.span.bytes.u64(at: 1) == 0x0102_0304_0506_0708)
  }

  @Test(arguments: [9, -1, 2]) func readingOutsideTraps(offset: Int) async {
    await #expect(processExitsWith: .failure) { [offset] in
      let octets = [UInt8](repeating: 0, count: 9)
      _ = unsafe octets.span.bytes.u64(at: offset)
    }
  }

  @Test func writerWritesAndPatches() {
    var buffer = [UInt8](repeating: 0xEE, count: 32)
    let written = unsafe buffer.withUnsafeMutableBytes { buffer in
      var writer = unsafe ByteWriter(into: buffer)
      writer.append(u8: 1)
      writer.append(u16: 0x0203)
      writer.append(u32: 0x0405_0607)
      writer.append(u64: 0x0809_0A0B_0C0D_0E0F)
      unsafe writer.append([UInt8]([16, 17]).span.bytes)
      writer.append(zeros: 2)
      writer.patch(u16: 0xFFFE, at: 17)
      writer.patch(u64: 0, at: 7)
      #expect(writer.room == 32 - 19)
      return unsafe Array(writer.written)
    }
    #expect(written == [1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0, 0, 0, 0, 16, 17, 0xFF, 0xFE])
  }

  @Test func transceiverIDs() {
    let id = TransceiverID(node: 0x1234, shard: 0x56)
    #expect(id.rawValue == 0x12_3456)
    #expect(id == TransceiverID(rawValue: 0xFF12_3456))
    #expect(id.node == 0x1234)
    #expect(id.shard == 0x56)
    #expect(TransceiverID(node: 7, shard: 1).description == "7.1")
  }

  @Test func instantsSaturate() {
    let now = Instant(nanoseconds: 5_000_000)
    #expect(now.advanced(byMilliseconds: 2).nanoseconds == 7_000_000)
    #expect(Instant.never.advanced(byNanoseconds: 1) == .never)
    #expect(now.nanoseconds(since: .never) == 0)
    #expect(now.advanced(byMilliseconds: 3).milliseconds(since: now) == 3)
    #expect(now.advanced(byMilliseconds: .max) == .never)
  }

  /// The check value that every CRC catalogue gives.
  @Test func crc32() {
    let digits = Array("123456789".utf8)
    var crc = Crc32()
    unsafe crc.update(digits.span.bytes, count: digits.count)
    #expect(crc.value == 0xCBF4_3926)
  }

  /// Each single byte, against the polynomial of ITU V.42 worked out bit by bit.
  @Test func crc32OfEveryByte() {
    for byte in UInt8.min ... .max {
      var crc = Crc32()
      crc.update(byte)
      var register = 0xFFFF_FF00 ^ UInt32(~byte)
      for _ in 0..<8 { register = register >> 1 ^ (register & 1 == 0 ? 0 : 0xEDB8_8320) }
      #expect(crc.value == ~register)
    }
  }

  /// From the reference code of xoshiro256** and splitmix64, seed 42.
  @Test func seededRandom() {
    var random = SeededRandom(seed: 42)
    let expected: [UInt64] = [
      0x1578_0B2E_0C2E_C716, 0x6104_D986_6D11_3A7E, 0xAE17_5332_39E4_99A1,
    ]
    #expect((0..<3).map { _ in random.next() } == expected)
  }
}
