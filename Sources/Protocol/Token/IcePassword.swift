package import Crypto

/// An ICE password: 32 letters and digits (RFC 8839, section 5.4), about 190 bits. A secret with a
/// text, because SDP carries it; never log it.
@safe package struct IcePassword: Sendable, BitwiseCopyable {
  /// Characters in the text.
  @inlinable package static var bytes: Int { @_noLocks get { 32 } }

  private var characters = [32 of UInt8](repeating: 0)

  /// Writes 24 bytes as characters of 6 bits.
  @_noLocks
  init(digest: [32 of UInt8]) {
    var index = 0
    while index < 8 {
      let high = UInt32(digest[3 * index]) << 16
      let low = UInt32(digest[3 * index + 1]) << 8 | UInt32(digest[3 * index + 2])
      set(high | low, at: 4 * index)
      index += 1
    }
  }

  @_noLocks
  private mutating func set(_ bits: UInt32, at index: Int) {
    characters[index] = Self.character(bits >> 18)
    characters[index + 1] = Self.character(bits >> 12)
    characters[index + 2] = Self.character(bits >> 6)
    characters[index + 3] = Self.character(bits)
  }

  /// Base64, but with `A` and `B` in place of `+` and `/`, which some clients mangle.
  @_noLocks
  private static func character(_ bits: UInt32) -> UInt8 {
    let value = UInt8(truncatingIfNeeded: bits & 63)
    return Base64.character(of: value < 62 ? value : value - 62)
  }

  /// The key of MESSAGE-INTEGRITY for this password. Allocates nothing.
  package var integrityKey: HmacSha1 {
    @_noLocks get {
      var copy = characters
      return unsafe withUnsafeMutableBytes(of: &copy) {
        unsafe HmacSha1(key: UnsafeRawBufferPointer($0))
      }
    }
  }

  /// The 32 characters, as SDP carries them. Allocates.
  package var text: String {
    String(decoding: characters.indices.map { characters[$0] }, as: UTF8.self)
  }
}

/// Derives the ICE password of a session from its ufrag, so that a relay can check the first packet
/// of a client without a look-up: HMAC-SHA256 under the password key, cut to 32 characters. A plain
/// value that any thread may use.
package struct IcePasswordDeriver: Sendable, BitwiseCopyable {
  private let key: HmacSha256

  /// Of `keys` it takes `password` alone: who has another one derives other passwords.
  package init(_ keys: RoutingKeys) { key = HmacSha256(key: keys.password) }

  /// The password for the ufrag of `length` bytes at `offset`; traps when they are not there.
  /// Allocates nothing.
  @_noLocks
  package func derive(_ bytes: RawSpan, at offset: Int, length: Int) -> IcePassword {
    let key = key
    return unsafe bytes.withUnsafeBytes { bytes in
      let ufrag = unsafe UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + length)])
      return unsafe IcePassword(digest: key.tag(ufrag))
    }
  }

  /// The password for a ufrag of ours. Allocates nothing.
  @_noLocks
  package func derive(_ token: RoutingToken) -> IcePassword {
    let text = token.sealed
    var bytes = (text.first.bigEndian, text.middle.bigEndian, text.last.bigEndian)
    return unsafe withUnsafeMutableBytes(of: &bytes) { bytes in
      let ufrag = unsafe UnsafeRawBufferPointer(rebasing: bytes[0..<SealedText.bytes])
      return unsafe IcePassword(digest: key.tag(ufrag))
    }
  }
}
