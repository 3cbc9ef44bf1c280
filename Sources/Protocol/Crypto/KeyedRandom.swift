/// Random numbers that repeat for who has the key and that nobody else can foretell, not even from
/// all the numbers before: HMAC-SHA256 of a counter (RFC 2104).
///
/// What protocol code uses where a guess would harm and a simulator must still see the same run
/// again. Allocates nothing after `init`.
package struct KeyedRandom: RandomNumberGenerator, Sendable {
  private let key: HmacSha256
  private var count: UInt64 = 0

  /// `secret`: 16 bytes or more, for no other use.
  package init(key secret: some Collection<UInt8>) {
    precondition(secret.count >= 16, "a generator's key has 16 bytes or more")
    key = HmacSha256(key: secret)
  }

  package mutating func next() -> UInt64 {
    count &+= 1
    var counter = count.littleEndian
    let tag = unsafe withUnsafeBytes(of: &counter) { unsafe key.tag($0) }
    var number: UInt64 = 0
    for index in 0..<8 { number = number << 8 | UInt64(tag[index]) }
    return number
  }
}
