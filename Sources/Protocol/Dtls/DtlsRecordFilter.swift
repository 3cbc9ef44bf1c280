/// What stands between the network and OpenSSL: looks at each record's outside and lets through
/// only what the handshake waits for. OpenSSL 3.0 ends a handshake for good over one stray alert or
/// one impossible fragment, stalls over an early ChangeCipherSpec, keeps what comes out of order
/// however wrong it is; and anybody who knows the two addresses can send these.
///
/// Holds no bytes and allocates nothing; any input is safe.
struct DtlsRecordFilter {
  /// What is read next.
  ///
  /// In the order in which each end comes by those that concern it.
  enum Expected: Int {
    case clientHello
    /// Or HelloVerifyRequest.
    case serverHello
    case certificate
    case serverKeyExchange, clientKeyExchange
    /// Or ServerHelloDone: a server need not ask.
    case certificateRequest
    case serverHelloDone
    case certificateVerify
    case changeCipherSpec, finished
    /// Nothing in the clear: the handshake is over.
    case applicationData
  }

  enum Verdict: Equatable {
    /// The record, header included, is `length` bytes and may be read.
    case pass(length: Int)
    /// The record is `length` bytes and is to be skipped.
    case drop(length: Int, DropReason)

    var length: Int {
      switch self {
      case .pass(let length), .drop(let length, _): length
      }
    }
  }

  enum DropReason { case malformed, alertInClear, implausible, outOfPlace, clearAfterHandshake }

  /// type 1, version 2, epoch 2, number 6, length 2 bytes (RFC 6347, section 4.1). The epoch is 0
  /// in the clear and 1 under the keys; its low byte is at 4.
  static let recordHeaderBytes = 13
  /// type 1, length 3, message_seq 2, fragment offset 3, fragment length 3 bytes (RFC 6347, section
  /// 4.2.2).
  static let fragmentHeaderBytes = 12
  /// Longest handshake message: a hello is at most about 1,500 bytes, a chain we accept 4,096.
  static let messageBytesMax = 4096
  /// A Finished under GCM is 48 bytes, under CBC with SHA-384 at most 112.
  private static let finishedBytesMax = 128

  private static let helloVerifyRequest: UInt8 = 3

  private enum ContentType {
    static let changeCipherSpec: UInt8 = 20
    static let alert: UInt8 = 21
    static let handshake: UInt8 = 22
    static let applicationData: UInt8 = 23
  }

  let role: DtlsRole

  /// Judges the record that starts at `offset` (less than `bytes.count`). `afterCookie`: a
  /// HelloVerifyRequest was heeded.
  func judge(
    _ bytes: Span<UInt8>, at offset: Int, expecting expected: Expected, afterCookie: Bool
  ) -> Verdict {
    let rest = bytes.count - offset
    // DTLS 1.0 (0xFEFF) or 1.2 (0xFEFD): a ClientHello may come under the older number.
    guard rest > Self.recordHeaderBytes, bytes[offset + 1] == 0xFE,
      bytes[offset + 2] == 0xFF || bytes[offset + 2] == 0xFD
    else { return .drop(length: rest, .malformed) }
    let length = bytes.number(at: offset + 11, bytes: 2)
    guard length > 0, length <= rest - Self.recordHeaderBytes else {
      return .drop(length: rest, .malformed)
    }
    let whole = Self.recordHeaderBytes + length
    let reason =
      switch bytes.number(at: offset + 3, bytes: 2) {
      case 0: judgeClear(bytes, from: offset, to: offset + whole, expected, afterCookie)
      case 1: judgeProtected(type: bytes[offset], length: length, expected)
      default: DropReason?.some(.malformed)
      }
    if let reason { return .drop(length: whole, reason) }
    return .pass(length: whole)
  }

  /// Whether a record, alone in `record`, may be read now.
  func passes(_ record: Span<UInt8>, expecting expected: Expected, afterCookie: Bool) -> Bool {
    let verdict = judge(record, at: 0, expecting: expected, afterCookie: afterCookie)
    if case .pass = verdict { return true }
    return false
  }

  private func judgeClear(
    _ bytes: Span<UInt8>, from offset: Int, to end: Int, _ expected: Expected, _ afterCookie: Bool
  ) -> DropReason? {
    let body = offset + Self.recordHeaderBytes
    switch bytes[offset] {
    case ContentType.alert: return .alertInClear
    case ContentType.changeCipherSpec:
      guard end - body == 1, bytes[body] == 1 else { return .malformed }
    case ContentType.handshake:
      if let reason = judgeForm(bytes, body: body, end: end) { return reason }
    default: return .malformed
    }
    if expected == .applicationData { return .clearAfterHandshake }
    if bytes[offset] == ContentType.changeCipherSpec {
      return expected == .changeCipherSpec ? nil : .outOfPlace
    }
    return hasExpected(bytes, body: body, end: end, expected, afterCookie) ? nil : .outOfPlace
  }

  /// One record may hold several fragments (RFC 6347, section 4.2.3); each must be sound and one
  /// that this end can receive.
  private func judgeForm(_ bytes: Span<UInt8>, body: Int, end: Int) -> DropReason? {
    var offset = body
    while offset < end {
      guard end - offset >= Self.fragmentHeaderBytes else { return .malformed }
      let length = bytes.number(at: offset + 1, bytes: 3)
      let fragmentOffset = bytes.number(at: offset + 6, bytes: 3)
      let fragmentLength = bytes.number(at: offset + 9, bytes: 3)
      guard fragmentOffset + fragmentLength <= length, fragmentLength > 0 || length == 0,
        fragmentLength <= end - offset - Self.fragmentHeaderBytes
      else { return .malformed }
      let sequence = bytes.number(at: offset + 4, bytes: 2)
      guard isPlausible(type: bytes[offset], sequence: sequence, length: length) else {
        return .implausible
      }
      if bytes[offset] == Self.helloVerifyRequest {
        // Short, and all that its sender says.
        guard offset == body, fragmentLength == length,
          end - body == Self.fragmentHeaderBytes + length
        else { return .implausible }
      }
      offset += Self.fragmentHeaderBytes + fragmentLength
    }
    return nil
  }

  /// In DTLS 1.2 with certificates on both sides every message has its one place. What a server
  /// sends comes one place later when it asked for a cookie first (HelloVerifyRequest); and its
  /// ServerHelloDone one place sooner when it does not ask for a certificate.
  private func isPlausible(type: UInt8, sequence: Int, length: Int) -> Bool {
    guard length <= Self.messageBytesMax else { return false }
    switch (role, type) {
    case (.passive, 1): return sequence == 0  // ClientHello
    case (.passive, 11): return sequence == 1  // Certificate
    case (.passive, 16): return sequence == 2  // ClientKeyExchange
    case (.passive, 15): return sequence == 3  // CertificateVerify
    case (.active, Self.helloVerifyRequest): return sequence == 0
    case (.active, 2): return sequence <= 1  // ServerHello
    case (.active, 11): return sequence == 1 || sequence == 2  // Certificate
    case (.active, 12): return sequence == 2 || sequence == 3  // ServerKeyExchange
    case (.active, 13): return sequence == 3 || sequence == 4  // CertificateRequest
    case (.active, 14): return length == 0 && (3...5).contains(sequence)  // ServerHelloDone
    default: return false
    }
  }

  /// Whether a record of sound fragments has some of the expected message. Others beside it, the
  /// next of the flight or the last, are what a peer packed together.
  private func hasExpected(
    _ bytes: Span<UInt8>, body: Int, end: Int, _ expected: Expected, _ afterCookie: Bool
  ) -> Bool {
    var offset = body
    while offset < end {
      if Self.turn(ofMessage: bytes[offset]) == expected {
        // One of those places; the others of this message would never be read.
        let sequence = bytes.number(at: offset + 4, bytes: 2)
        return expected != .serverHelloDone || sequence == (afterCookie ? 5 : 4)
      }
      offset += Self.fragmentHeaderBytes + bytes.number(at: offset + 9, bytes: 3)
    }
    return false
  }

  /// When a message of this type is read; nil for one that no handshake of ours has.
  private static func turn(ofMessage type: UInt8) -> Expected? {
    switch type {
    case 1: .clientHello
    case 2, helloVerifyRequest: .serverHello
    case 11: .certificate
    case 12: .serverKeyExchange
    case 13: .certificateRequest
    case 14: .serverHelloDone
    case 15: .certificateVerify
    case 16: .clientKeyExchange
    default: nil
    }
  }

  /// Whether a record that was dropped as out of place will be in place later.
  func isEarly(_ record: Span<UInt8>, for expected: Expected) -> Bool {
    // Nothing honest comes before the hello that we have not answered.
    guard expected != .clientHello else { return false }
    let turn: Expected? =
      switch (record[0], record[4]) {
      case (ContentType.handshake, 0): Self.turn(ofMessage: record[Self.recordHeaderBytes])
      case (ContentType.handshake, 1): .finished
      case (ContentType.applicationData, 1): .applicationData
      case (ContentType.changeCipherSpec, 0): .changeCipherSpec
      default: nil
      }
    return turn.map { $0.rawValue > expected.rawValue } ?? false
  }

  /// Whether a record that has passed is a HelloVerifyRequest.
  static func isVerifyRequest(_ record: Span<UInt8>) -> Bool {
    record[0] == ContentType.handshake && record[4] == 0
      && record[recordHeaderBytes] == helloVerifyRequest
  }

  /// Whether a sound record is a ServerHelloDone with this number, and nothing beside it.
  func isDone(_ record: Span<UInt8>, sequence: Int) -> Bool {
    record.count == Self.recordHeaderBytes + Self.fragmentHeaderBytes
      && record[0] == ContentType.handshake && record[4] == 0
      && Self.turn(ofMessage: record[Self.recordHeaderBytes]) == .serverHelloDone
      && record.number(at: Self.recordHeaderBytes + 4, bytes: 2) == sequence
  }

  /// The message that only who holds the certificate's key can sign.
  private var proof: Expected { role == .passive ? .certificateVerify : .serverKeyExchange }

  /// Whether a sound record begins with some of that message.
  func isProof(_ record: Span<UInt8>) -> Bool {
    record[0] == ContentType.handshake && record[4] == 0
      && Self.turn(ofMessage: record[Self.recordHeaderBytes]) == proof
  }

  /// Whether who expects this has read that message. Not so of what is dead.
  func isPastProof(_ expected: Expected) -> Bool {
    expected.rawValue > proof.rawValue && expected != .applicationData
  }

  /// Whether a protected record may be opened: its tag says the rest.
  private func judgeProtected(type: UInt8, length: Int, _ expected: Expected) -> DropReason? {
    switch (expected, type) {
    case (.applicationData, ContentType.alert...ContentType.applicationData): nil
    case (.finished, ContentType.alert): nil
    case (.finished, ContentType.handshake):
      length <= Self.finishedBytesMax ? nil : .implausible
    case (_, ContentType.alert...ContentType.applicationData): .outOfPlace
    default: .malformed
    }
  }
}
