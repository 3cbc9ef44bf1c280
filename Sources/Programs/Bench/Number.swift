/// Figures for people.
enum Number {
  /// Three significant digits at least, and no more digits behind the point than that takes.
  static func text(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "-" }
    let size = abs(value)
    return fixed(value, digits: size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3)
  }

  /// `digits` digits behind the point.
  static func fixed(_ value: Double, digits: Int) -> String {
    var scale = 1
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int64((abs(value) * Double(scale)).rounded())
    let sign = value < 0 && scaled != 0 ? "-" : ""
    guard digits > 0 else { return "\(sign)\(scaled)" }
    let rest = String(scaled % Int64(scale))
    let zeros = String(repeating: "0", count: digits - rest.count)
    return "\(sign)\(scaled / Int64(scale)).\(zeros)\(rest)"
  }
}
