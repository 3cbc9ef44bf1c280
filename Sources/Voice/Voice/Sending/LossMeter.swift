import Wire

/// How many packets get lost, and whether one by one or in rows. A struct of numbers.
struct LossMeter: Sendable {
  /// What became of the packets of a second.
  private struct Second: BitwiseCopyable {
    var number: UInt32 = 0
    var told: Int32 = 0
    var lost: Int32 = 0
    var rows: Int32 = 0
  }

  /// When a packet was lost last; nil before the first.
  private(set) var lastLoss: Instant?
  private var seconds: [30 of Second] = .init(repeating: Second())
  private var lastLost: UInt16?

  /// A path whose losses come in rows has few of them, seconds apart: what is judged by them looks
  /// back as far as it can.
  private static let rowSeconds: UInt32 = 30
  /// Losses that a judgement on rows needs, and those from which on it is a sure one.
  private static let lossesMin = 3
  private static let lossesSure = 8
  /// Single losses make rows of 1.25 at 20 % loss; bursts of three to eight packets make 5. Of few
  /// losses one row alone tells.
  private static let rowMin = 2.0
  private static let rowMinOfFew = 3.0

  /// Packets of which something was told; losses among them come by `noteLost` as well.
  mutating func noteTold(_ count: Int, at now: Instant) {
    let place = place(at: now)
    seconds[place].told = Int32(clamping: Int(seconds[place].told) + count)
  }

  /// The packet with this number was lost; call in the order of the numbers.
  mutating func noteLost(number: UInt16, at now: Instant) {
    let continues = lastLost.map { $0 &+ 1 == number } ?? false
    lastLost = number
    note(lost: 1, rows: continues ? 0 : 1, at: now)
  }

  /// So many packets were lost, nobody knows which; they count as single ones.
  mutating func noteLost(count: Int, at now: Instant) {
    guard count > 0 else { return }
    lastLost = nil
    note(lost: count, rows: count, at: now)
  }

  /// A packet that counted as lost was late only. Whether it was a row by itself is not known: the
  /// row stays, which makes rows look shorter.
  mutating func noteLate(at now: Instant) {
    let place = place(at: now)
    seconds[place].lost = max(seconds[place].lost, .min + 1) - 1
  }

  private mutating func note(lost: Int, rows: Int, at now: Instant) {
    let place = place(at: now)
    seconds[place].lost = Int32(clamping: Int(seconds[place].lost) + lost)
    seconds[place].rows = Int32(clamping: Int(seconds[place].rows) + rows)
    lastLoss = now
  }

  /// Lost of what was told in the last seconds (at most 30), in per cent.
  func percent(seconds count: UInt32, at now: Instant) -> (percent: Double, lost: Int) {
    guard lastLoss != nil else { return (0, 0) }
    let sum = sum(seconds: count, at: now)
    guard sum.told > 0, sum.lost > 0 else { return (0, 0) }
    return (min(100, 100 * Double(sum.lost) / Double(sum.told)), sum.lost)
  }

  /// Losses of the last half minute came in rows, against which copies in the next packet are of no
  /// use.
  func isBursty(at now: Instant) -> Bool {
    let sum = sum(seconds: Self.rowSeconds, at: now)
    guard sum.lost >= Self.lossesMin else { return false }
    let least = sum.lost < Self.lossesSure ? Self.rowMinOfFew : Self.rowMin
    return Double(sum.lost) / Double(max(1, sum.rows)) >= least
  }

  private func sum(
    seconds count: UInt32, at now: Instant
  ) -> (told: Int, lost: Int, rows: Int) {
    let newest = Self.second(now)
    var sum = (told: 0, lost: 0, rows: 0)
    for index in 0..<seconds.count where seconds[index].number + count > newest {
      sum.told += Int(seconds[index].told)
      sum.lost += Int(seconds[index].lost)
      sum.rows += Int(seconds[index].rows)
    }
    // What was late only is taken back from the second in which that shows.
    sum.lost = max(0, sum.lost)
    sum.rows = min(sum.rows, sum.lost)
    return sum
  }

  private mutating func place(at now: Instant) -> Int {
    let number = Self.second(now)
    let place = Int(number) % seconds.count
    if seconds[place].number != number { seconds[place] = Second(number: number) }
    return place
  }

  /// So many from the start that an unused place is no second of the past.
  private static func second(_ now: Instant) -> UInt32 {
    UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000_000) &+ rowSeconds
  }
}
