/// A generator of repeatable numbers: xoshiro256** started by splitmix64 (Blackman and Vigna).
///
/// For tests, simulations and jitter. **Not for secrets**: its output tells its state.
package struct SeededRandom: RandomNumberGenerator, Sendable, BitwiseCopyable {
  private var s0: UInt64
  private var s1: UInt64
  private var s2: UInt64
  private var s3: UInt64

  /// The same seed gives the same numbers, on every machine.
  @_noLocks
  package init(seed: UInt64) {
    var splitmix = seed
    s0 = Self.splitmix64(&splitmix)
    s1 = Self.splitmix64(&splitmix)
    s2 = Self.splitmix64(&splitmix)
    s3 = Self.splitmix64(&splitmix)
  }

  @_noLocks
  package mutating func next() -> UInt64 {
    let product = s1 &* 5
    let result = (product << 7 | product >> 57) &* 9
    let shifted = s1 << 17
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= shifted
    s3 = s3 << 45 | s3 >> 19
    return result
  }

  @_noLocks
  private static func splitmix64(_ state: inout UInt64) -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
