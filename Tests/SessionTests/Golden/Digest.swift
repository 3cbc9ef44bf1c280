import TestSupport

/// FNV-1a, folded to 32 bits: enough to see that bytes differ, in eight digits.
struct Digest {
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
  }

  var text: String {
    let folded = UInt32(truncatingIfNeeded: state ^ state >> 32)
    return hex([24, 16, 8, 0].map { UInt8(truncatingIfNeeded: folded >> $0) })
  }

  static func text(_ bytes: some Sequence<UInt8>) -> String {
    var digest = Digest()
    digest.add(bytes)
    return digest.text
  }
}

/// A big-endian number of `count` bytes at `offset`; 0 where the bytes end before.
func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int {
  guard offset + count <= bytes.count else { return 0 }
  return bytes[offset..<offset + count].reduce(0) { $0 << 8 | Int($1) }
}
