/// Sets of CPUs in the two forms in which the kernel writes them, and in the one people read.
package enum CPUList {
  /// CPUs from this number on do not exist (the kernel's own bound for x86 is 8,192).
  static let cpuMax = 8192

  /// The CPUs of "0-3,8,10-11", ascending; nil when it is anything else. An empty text has none.
  package static func parse(_ text: String) -> [Int]? {
    var cpus: Set<Int> = []
    if text.isEmpty { return [] }
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map(number)
      guard let first = ends[0], let last = ends.count == 1 ? first : ends[1],
        ends.count <= 2, first <= last
      else { return nil }
      if first < cpuMax { cpus.formUnion(first...min(last, cpuMax - 1)) }
    }
    return cpus.sorted()
  }

  /// The CPUs of "ff,00000003": 32 bits in hexadecimal for each group, the highest first.
  package static func parseMask(_ text: String) -> [Int]? {
    let groups = text.split(separator: ",", omittingEmptySubsequences: false)
    var cpus: [Int] = []
    for (place, group) in groups.reversed().enumerated() {
      guard group.utf8.allSatisfy(isHexDigit), let word = UInt32(group, radix: 16) else {
        return nil
      }
      for bit in 0..<32 where word >> UInt32(bit) & 1 == 1 && place * 32 + bit < cpuMax {
        cpus.append(place * 32 + bit)
      }
    }
    return cpus
  }

  /// "0-3,8" of ascending CPUs, "-" of none.
  package static func text(_ cpus: [Int]) -> String {
    var parts: [String] = []
    var index = 0
    while index < cpus.count {
      var end = index
      while end + 1 < cpus.count && cpus[end + 1] == cpus[end] + 1 { end += 1 }
      parts.append(index == end ? "\(cpus[index])" : "\(cpus[index])-\(cpus[end])")
      index = end + 1
    }
    return parts.isEmpty ? "-" : parts.joined(separator: ",")
  }

  /// Decimal digits alone: `Int` would take signs.
  private static func number(_ text: Substring) -> Int? {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
  }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
  }
}
