internal import CCrypto

/// Whether two byte sequences are equal, in a time that does not tell where they differ. The
/// lengths are no secret. Allocates nothing.
@_noLocks
package func equalInConstantTime(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
  guard a.count == b.count, a.count > 0 else { return a.count == b.count }
  return unsafe cc_equal(a.baseAddress!, b.baseAddress!, a.count) == 1
}

/// Randomness fit for keys, from libcrypto's private generator.
///
/// Only runtimes and programs use it; protocol code takes a `RandomNumberGenerator` as a parameter.
/// Any thread may. Traps when the system has no randomness to give: nothing safe can be done then.
package struct SecureRandom: RandomNumberGenerator, Sendable {
  /// Holds no state, which is in libcrypto: copies do not repeat each other.
  package init() {}

  package mutating func next() -> UInt64 {
    var value: UInt64 = 0
    unsafe withUnsafeMutableBytes(of: &value) { unsafe Self.fill($0) }
    return value
  }

  /// Fills all of `bytes`.
  package static func fill(_ bytes: UnsafeMutableRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    let filled = unsafe cc_random(start, bytes.count)
    precondition(filled == 1, "the system has no randomness to give")
  }

  /// `count` fresh bytes. Allocates.
  package static func bytes(_ count: Int) -> [UInt8] {
    unsafe Array(unsafeUninitializedCapacity: count) { buffer, filled in
      unsafe fill(UnsafeMutableRawBufferPointer(buffer))
      filled = count
    }
  }
}
