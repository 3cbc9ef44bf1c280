package import Crypto
internal import Wire

/// One side's ICE user name fragment and password (RFC 8445, section 5.3), with the password
/// prepared as a key. The password is a secret: never to be printed.
package struct IceCredentials: Sendable {
  /// 4 to 256 ice-chars, as ASCII.
  package let ufrag: [UInt8]
  /// What requests to this side, and its answers, are signed with.
  package let key: HmacSha1

  /// Lengths in bytes, which are characters here (RFC 8839, section 5.4). Whoever reads them from
  /// SDP refuses others.
  package static let ufragBytes = 4...256
  /// See `ufragBytes`.
  package static let passwordBytes = 22...256

  /// `ufrag` has `ufragBytes` and `password` `passwordBytes`. Prepares the key, so that no check
  /// has to; allocates.
  package init(ufrag: String, password: String) {
    precondition(Self.ufragBytes.contains(ufrag.utf8.count), "no ICE user name fragment")
    precondition(Self.passwordBytes.contains(password.utf8.count), "no ICE password")
    self.ufrag = Array(ufrag.utf8)
    key = HmacSha1(key: password.utf8)
  }
}

/// Why a datagram that claimed to be STUN was passed over.
package enum IceIgnored: UInt8, CaseIterable, Sendable {
  /// Not a STUN message at all.
  case malformed
  /// A request with another USERNAME than `ours:theirs`, or none.
  case wrongUsername
  /// MESSAGE-INTEGRITY is missing or was made with another password.
  case wrongIntegrity
  /// More requests in a second than an honest client sends.
  case tooMany
  /// All paths are taken by fresher ones.
  case pathsFull
  /// A Binding Indication: keeps a NAT open and says nothing.
  case indication
  /// An answer to nothing we asked, or another method.
  case unexpected
}

extension RawSpan {
  /// Whether the bytes at `range` are `other`.
  func matches(_ other: [UInt8], at range: ByteRange) -> Bool {
    guard range.count == other.count else { return false }
    for index in other.indices where u8(at: range.offset + index) != other[index] { return false }
    return true
  }
}

extension StunWriter {
  /// Ends the message with MESSAGE-INTEGRITY and FINGERPRINT; returns its length.
  mutating func seal(with key: HmacSha1) -> Int {
    StunIntegrity.append(to: &self, key: key)
    appendFingerprint()
    return count
  }
}
