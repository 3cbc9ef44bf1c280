import CMemory
import CPacketLoop
import Log
import Wire

/// When freed memory is worth giving back to the system. Pure: sizes in, a verdict out.
struct TrimPolicy {
  /// Less than this is left to the next calls. While there are some, whose threads may have to wait
  /// for it, it must be worth more, and comes less often.
  static let idleLeastBytes = 24 << 20
  static let busyLeastBytes = 128 << 20
  static let idleMilliseconds: UInt64 = 5_000
  static let busyMilliseconds: UInt64 = 60_000

  /// Resident beyond what is in use, at the start or after the last time: code, stacks, and what
  /// lies between pieces in use.
  private var excessBytes: Int
  private var trimmedAt: Instant?

  /// Sizes before there are calls: what many of them leave behind by the first look is no part of
  /// what cannot be given back.
  init(resident: Int, used: Int) {
    excessBytes = resident - used
  }

  /// Whether memory is to be given back now; then `noteTrimmed` must follow.
  mutating func isDue(resident: Int, used: Int, calls: Int, at now: Instant) -> Bool {
    let excess = resident - used
    let least = min(excessBytes, excess)
    excessBytes = least
    let worth = calls == 0 ? Self.idleLeastBytes : Self.busyLeastBytes
    guard excess >= least + worth else { return false }
    guard let trimmedAt else { return true }
    let rest = calls == 0 ? Self.idleMilliseconds : Self.busyMilliseconds
    return now.milliseconds(since: trimmedAt) >= rest
  }

  /// What is left could not be given back.
  mutating func noteTrimmed(resident: Int, used: Int, at now: Instant) {
    excessBytes = resident - used
    trimmedAt = now
  }
}

/// Gives back what malloc keeps after many calls or offers have ended. The main thread's.
struct MemoryKeeper {
  /// From one look to the next.
  private static let lookMilliseconds: UInt64 = 2_000

  private var policy: TrimPolicy
  private var nextLook = Instant(nanoseconds: 0)
  private let log: Log

  /// To be made before there are calls.
  init(_ log: Log) {
    policy = TrimPolicy(resident: cm_resident_bytes(), used: cm_used_bytes())
    self.log = log
  }

  /// Looks whether there is something to give back, and does it. Costs two milliseconds at most
  /// when there is not.
  mutating func look(calls: Int, at now: Instant) {
    guard nextLook <= now else { return }
    nextLook = now.advanced(byMilliseconds: Self.lookMilliseconds)
    let before = cm_resident_bytes()
    guard before > 0,
      policy.isDue(resident: before, used: cm_used_bytes(), calls: calls, at: now)
    else { return }
    let start = pl_now()
    cm_trim()
    let end = pl_now()
    let after = cm_resident_bytes()
    policy.noteTrimmed(resident: after, used: cm_used_bytes(), at: now)
    log.info(
      "memory-given-back",
      [
        "from_mib": .number(before >> 20), "to_mib": .number(after >> 20),
        "took_us": .number(Int(clamping: (end - start) / 1_000)), "calls": .number(calls),
      ])
  }
}
