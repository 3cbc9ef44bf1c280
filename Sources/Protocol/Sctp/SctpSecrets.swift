internal import Wire

/// Numbers that only this end can foretell, and the tags of its cookies, from one seed: SipHash-2-4
/// under four words. Everything travels inside DTLS, so the only one who could forge is the peer.
struct SctpSecrets {
  private let k0: UInt64
  private let k1: UInt64
  private let k2: UInt64
  private let k3: UInt64
  private var drawn: UInt64 = 0

  init(random: inout some RandomNumberGenerator) {
    k0 = random.next()
    k1 = random.next()
    k2 = random.next()
    k3 = random.next()
  }

  /// The next number.
  mutating func next() -> UInt64 {
    drawn &+= 1
    var hash = SipHash24(k0: k0, k1: k3)
    hash.combine(drawn)
    return unsafe hash.finish(UnsafeRawBufferPointer(start: nil, count: 0), total: 8)
  }

  mutating func nextWord() -> UInt32 { UInt32(truncatingIfNeeded: next()) }

  /// A verification tag: any number but 0.
  mutating func nextTag() -> UInt32 {
    while true {
      let tag = nextWord()
      if tag != 0 { return tag }
    }
  }

  /// The 128-bit tag of `bytes`.
  func tag(_ bytes: RawSpan) -> [UInt8] {
    unsafe bytes.withUnsafeBytes { bytes in
      var first = SipHash24(k0: k0, k1: k1)
      var second = SipHash24(k0: k2, k1: k3)
      var tag: [UInt8] = []
      unsafe tag.append(u64: first.finish(bytes, total: bytes.count))
      unsafe tag.append(u64: second.finish(bytes, total: bytes.count))
      return tag
    }
  }
}
