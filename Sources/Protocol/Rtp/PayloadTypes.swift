/// Some of the 128 payload types of RTP (RFC 3550, section 5.1). Two words, no allocation.
package struct PayloadTypes: Hashable, Sendable, BitwiseCopyable, ExpressibleByArrayLiteral {
  private var low: UInt64 = 0
  private var high: UInt64 = 0

  /// What is above 127 is no payload type and not taken in.
  package init(_ types: some Sequence<UInt8>) {
    for type in types where type < 128 {
      if type < 64 { low |= 1 << UInt64(type) } else { high |= 1 << UInt64(type & 63) }
    }
  }

  /// As `init(_:)`: what is above 127 is left out.
  package init(arrayLiteral types: UInt8...) { self.init(types) }

  /// False above 127, whatever was given: any byte may be asked about.
  package func contains(_ type: UInt8) -> Bool {
    let word = type < 64 ? low : high
    return type < 128 && word >> UInt64(type & 63) & 1 == 1
  }
}
