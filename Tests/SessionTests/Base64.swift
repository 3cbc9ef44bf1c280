/// Sound as JSON carries it, without any module of ours: what a test says must not be read by the
/// code that is tried.
enum Base64 {
  private static let letters = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// Whole groups of three bytes only: a frame of voice has no rest.
  static func text(_ samples: some Collection<Int16>) -> String {
    let bytes = samples.flatMap {
      [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)]
    }
    precondition(bytes.count % 3 == 0, "no padding is written")
    var out: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let bits = Int(bytes[start]) << 16 | Int(bytes[start + 1]) << 8 | Int(bytes[start + 2])
      out += [18, 12, 6, 0].map { letters[bits >> $0 & 63] }
    }
    return String(decoding: out, as: UTF8.self)
  }

  static func samples(_ text: String) -> [Int16] {
    var bytes: [UInt8] = []
    var bits = 0
    var count = 0
    for letter in text.utf8 {
      bits = bits << 6 | (letters.firstIndex(of: letter) ?? 0)
      count += 6
      guard count >= 8 else { continue }
      count -= 8
      bytes.append(UInt8(truncatingIfNeeded: bits >> count))
    }
    return stride(from: 0, to: bytes.count - 1, by: 2).map {
      Int16(bitPattern: UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8)
    }
  }
}
