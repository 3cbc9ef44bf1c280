import Wire

/// What a caller tells of each packet that came, by its transport-wide number
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1). Not for the packet path: it
/// allocates.
struct ArrivalTeller {
  private var arrivals: [UInt16: Int64] = [:]
  /// The first number that was not told about yet, and the lowest and highest that came since.
  private var untold: UInt16?
  private var lowest: UInt16 = 0
  private var highest: UInt16 = 0
  private var hasNews = false
  private var messageCount: UInt8 = 0

  /// Older arrivals than these are forgotten.
  private static let memory: UInt16 = 512

  /// A packet with this number came at `now`.
  mutating func note(_ number: UInt16, at now: Instant) {
    arrivals[number] = Int64(now.nanoseconds / 1_000)
    arrivals[number &- Self.memory] = nil
    lowest = hasNews && isAhead(number, of: lowest) ? lowest : number
    highest = hasNews && isAhead(highest, of: number) ? highest : number
    hasNews = true
  }

  /// The message about what came since the last one, by which `sender` tells of `media`; nil
  /// without news.
  mutating func message(from sender: UInt32, about media: UInt32) -> [UInt8]? {
    guard hasNews else { return nil }
    hasNews = false
    let next = untold ?? lowest
    let first = isAhead(next, of: lowest) ? lowest : next
    let count = min(highest &- first &+ 1, Self.memory)
    untold = isAhead(next, of: highest) ? next : highest &+ 1
    messageCount &+= 1
    let told = (0..<count).map { arrivals[first &+ $0] }
    return Self.bytes(told, first: first, sender, media, messageCount)
  }

  private func isAhead(_ one: UInt16, of other: UInt16) -> Bool {
    Int16(bitPattern: one &- other) > 0
  }

  /// All chunks are vectors of two bits, all deltas have two bytes.
  private static func bytes(
    _ told: [Int64?], first: UInt16, _ sender: UInt32, _ media: UInt32, _ count: UInt8
  ) -> [UInt8] {
    var before = (told.compactMap { $0 }.min() ?? 0) / 64_000
    var words = [UInt16(0x8FCD), 0, high(sender), low(sender), high(media), low(media)]
    words += [first, UInt16(told.count), UInt16(truncatingIfNeeded: before >> 8)]
    words.append(UInt16(before & 0xFF) << 8 | UInt16(count))
    before *= 64_000
    for start in stride(from: 0, to: told.count, by: 7) {
      var bits: UInt16 = 0xC000
      for index in start..<min(start + 7, told.count) where told[index] != nil {
        bits |= 2 << UInt16(12 - 2 * (index - start))
      }
      words.append(bits)
    }
    for arrival in told {
      guard let arrival else { continue }
      let step = (arrival - before) / 250
      before += step * 250
      words.append(UInt16(bitPattern: Int16(clamping: step)))
    }
    if words.count % 2 == 1 { words.append(0) }
    words[1] = UInt16(words.count / 2 - 1)
    return words.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
  }

  private static func high(_ word: UInt32) -> UInt16 { UInt16(word >> 16) }
  private static func low(_ word: UInt32) -> UInt16 { UInt16(word & 0xFFFF) }
}
