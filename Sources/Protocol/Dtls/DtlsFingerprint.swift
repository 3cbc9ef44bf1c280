/// The hash functions of a certificate fingerprint that we accept (RFC 8122, section 5).
package enum DtlsHash: UInt32, Sendable, CaseIterable {
  case sha256 = 0
  case sha384 = 1
  case sha512 = 2

  /// Bytes of a digest.
  package var byteCount: Int {
    switch self {
    case .sha256: 32
    case .sha384: 48
    case .sha512: 64
    }
  }

  /// The name that SDP uses.
  package var name: String {
    switch self {
    case .sha256: "sha-256"
    case .sha384: "sha-384"
    case .sha512: "sha-512"
    }
  }

  /// From SDP's name in any case; nil for a hash that is unknown or too weak.
  package init?(name: some StringProtocol) {
    let lowered = name.lowercased()
    guard let hash = Self.allCases.first(where: { $0.name == lowered }) else { return nil }
    self = hash
  }
}

/// The hash of a certificate, as the signalling brings it: `a=fingerprint:sha-256 AB:CD:...` (RFC
/// 8122, section 5).
package struct DtlsFingerprint: Equatable, Sendable {
  /// What `digest` was made with.
  package let hash: DtlsHash
  /// `hash.byteCount` bytes.
  package let digest: [UInt8]

  /// Nil when the digest has not the length of its hash.
  package init?(hash: DtlsHash, digest: [UInt8]) {
    guard digest.count == hash.byteCount else { return nil }
    self.hash = hash
    self.digest = digest
  }

  /// From SDP's two words; hexadecimal digits of either case. Nil for anything else.
  package init?(hash: some StringProtocol, text: some StringProtocol) {
    guard let hash = DtlsHash(name: hash) else { return nil }
    let pairs = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard pairs.count == hash.byteCount else { return nil }
    var digest: [UInt8] = []
    for pair in pairs {
      guard pair.count == 2, let first = pair.first, let last = pair.dropFirst().first,
        let high = Self.hexadecimalValue(first), let low = Self.hexadecimalValue(last)
      else { return nil }
      digest.append(high << 4 | low)
    }
    self.init(hash: hash, digest: digest)
  }

  /// `AB:CD:...`, upper case, as SDP wants it.
  package var text: String {
    let digits = Array("0123456789ABCDEF".utf8)
    var characters: [UInt8] = []
    for byte in digest {
      if !characters.isEmpty { characters.append(UInt8(ascii: ":")) }
      characters.append(digits[Int(byte >> 4)])
      characters.append(digits[Int(byte & 15)])
    }
    return String(decoding: characters, as: UTF8.self)
  }

  private static func hexadecimalValue(_ character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
