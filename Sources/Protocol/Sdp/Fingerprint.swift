/// The hash of a certificate that a description promises (RFC 8122).
package struct Fingerprint: Equatable, Hashable, Sendable {
  /// The hashes taken here; older ones (sha-1, md5) are passed over.
  package enum Hash: String, Sendable, CaseIterable {
    case sha256 = "sha-256"
    case sha384 = "sha-384"
    case sha512 = "sha-512"

    /// How many bytes the hash has.
    package var byteCount: Int {
      switch self {
      case .sha256: 32
      case .sha384: 48
      case .sha512: 64
      }
    }
  }

  /// Fixes how many bytes there are: set both, or neither.
  package var hash: Hash
  /// The hash itself; always `hash.byteCount` bytes.
  package var bytes: [UInt8]

  /// nil when the number of bytes is not the hash's.
  package init?(_ hash: Hash, bytes: [UInt8]) {
    guard bytes.count == hash.byteCount else { return nil }
    self.hash = hash
    self.bytes = bytes
  }

  /// Reads `AB:CD:...`, upper or lower case; nil when it is anything else.
  package init?(_ hash: Hash, text: Substring) {
    var bytes: [UInt8] = []
    for pair in text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false) {
      guard pair.count == 2, let high = Self.digit(pair.first!), let low = Self.digit(pair.last!)
      else { return nil }
      bytes.append(high << 4 | low)
    }
    self.init(hash, bytes: bytes)
  }

  /// As in `a=fingerprint:`, for instance `sha-256 AB:CD:...`, in upper case (RFC 8122, section 5).
  package var text: String {
    let digits = Array("0123456789ABCDEF")
    let pairs = bytes.map { String([digits[Int($0 >> 4)], digits[Int($0 & 15)]]) }
    return "\(hash.rawValue) \(pairs.joined(separator: ":"))"
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }
}
