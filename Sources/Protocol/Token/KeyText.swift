/// Keys as text, for key files: pairs of hexadecimal digits.
package enum KeyText {
  /// The bytes that `text` spells, in either case. Allocates.
  package static func bytes(_ text: String) throws(RoutingKeysError) -> [UInt8] {
    var digits: [UInt8] = []
    for character in text {
      guard character.isASCII, let digit = character.hexDigitValue else { throw .notHexadecimal }
      digits.append(UInt8(digit))
    }
    guard digits.count % 2 == 0 else { throw .notHexadecimal }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }

  /// The text of `bytes`, in lower case. Allocates.
  package static func text(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }
}
