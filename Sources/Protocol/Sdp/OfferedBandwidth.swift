/// The `b=` lines of the session part or of one media part (RFC 8866, section 5.8). Of two that say
/// the same, the lower counts; what is no number, or more than anybody sends, is no limit.
struct OfferedBandwidth {
  /// `b=AS`, as bits per second: with the headers of every layer.
  var wireBitsPerSecondMax: Int?
  /// `b=TIAS`, bits per second: what the codec makes, without headers (RFC 3890).
  var codecBitsPerSecondMax: Int?

  /// Takes the value of one line: `<type>:<number>`.
  mutating func take(_ line: SdpLine) {
    let (type, text) = line.attribute
    switch type {
    case "AS":
      guard let kilobits = number(text, max: 1_000_000) else { return }
      wireBitsPerSecondMax = min(wireBitsPerSecondMax ?? .max, kilobits * 1_000)
    case "TIAS":
      guard let bits = number(text, max: 510_000) else { return }
      codecBitsPerSecondMax = min(codecBitsPerSecondMax ?? .max, bits)
    default: break
    }
  }
}
