/// What stands between the network and OpenSSL: looks at each record's outside and lets through
/// only what a handshake at this point can contain. OpenSSL 3.0 ends a handshake for good over one
/// stray alert or one impossible fragment, and anybody who knows the two addresses can send these.
///
/// Holds no bytes and allocates nothing; any input is safe.
struct DtlsRecordFilter {
  /// How far the reader has come.
  enum Phase {
    /// No ChangeCipherSpec has been read: the peer writes in the clear.
    case clear
    /// The peer's ChangeCipherSpec has been read, its Finished has not.
    case protected
    case connected
  }

  enum Verdict: Equatable {
    /// The record, header included, is `length` bytes and may be read.
    case pass(length: Int, isHandshakeInClear: Bool)
    /// The record is `length` bytes and is to be skipped.
    case drop(length: Int, DropReason)
  }

  enum DropReason { case malformed, alertInClear, implausible, early, clearAfterHandshake }

  static let recordHeaderBytes = 13
  static let fragmentHeaderBytes = 12
  /// Longest handshake message: a hello is at most about 1,500 bytes, a chain we accept 4,096.
  static let messageBytesMax = 4096
  /// A Finished under GCM is 48 bytes, under CBC with SHA-384 at most 112.
  private static let finishedBytesMax = 128
  /// OpenSSL keeps each early protected record in a buffer of 16 KiB until the keys are there.
  private static let earlyRecordsMax = 8

  private let role: DtlsRole
  private var earlyRecords = 0

  init(role: DtlsRole) { self.role = role }

  /// Judges the record that starts at `offset` (less than `bytes.count`).
  mutating func judge(_ bytes: Span<UInt8>, at offset: Int, phase: Phase) -> Verdict {
    let rest = bytes.count - offset
    guard rest > Self.recordHeaderBytes, bytes[offset + 1] == 0xFE,
      bytes[offset + 2] == 0xFF || bytes[offset + 2] == 0xFD
    else { return .drop(length: rest, .malformed) }
    let length = bytes.number(at: offset + 11, bytes: 2)
    guard length > 0, length <= rest - Self.recordHeaderBytes else {
      return .drop(length: rest, .malformed)
    }
    let whole = Self.recordHeaderBytes + length
    let epoch = bytes.number(at: offset + 3, bytes: 2)
    let body = offset + Self.recordHeaderBytes
    let reason =
      epoch == 0
      ? judgeClear(bytes, type: bytes[offset], body: body, end: offset + whole, phase: phase)
      : judgeProtected(type: bytes[offset], epoch: epoch, length: length, phase: phase)
    if let reason { return .drop(length: whole, reason) }
    return .pass(length: whole, isHandshakeInClear: epoch == 0 && bytes[offset] == 22)
  }

  private func judgeClear(
    _ bytes: Span<UInt8>, type: UInt8, body: Int, end: Int, phase: Phase
  ) -> DropReason? {
    if type == 21 { return .alertInClear }
    if phase == .connected { return .clearAfterHandshake }
    switch type {
    case 20: return end - body == 1 && bytes[body] == 1 ? nil : .malformed
    case 22: return judgeHandshake(bytes, body: body, end: end)
    default: return .malformed
    }
  }

  /// One record may hold several fragments (RFC 6347, section 4.2.3); each must be sound.
  private func judgeHandshake(_ bytes: Span<UInt8>, body: Int, end: Int) -> DropReason? {
    var offset = body
    while offset < end {
      guard end - offset >= Self.fragmentHeaderBytes else { return .malformed }
      let length = bytes.number(at: offset + 1, bytes: 3)
      let sequence = bytes.number(at: offset + 4, bytes: 2)
      let fragmentOffset = bytes.number(at: offset + 6, bytes: 3)
      let fragmentLength = bytes.number(at: offset + 9, bytes: 3)
      guard fragmentOffset + fragmentLength <= length, fragmentLength > 0 || length == 0,
        fragmentLength <= end - offset - Self.fragmentHeaderBytes
      else { return .malformed }
      guard isPlausible(type: bytes[offset], sequence: sequence, length: length) else {
        return .implausible
      }
      offset += Self.fragmentHeaderBytes + fragmentLength
    }
    return nil
  }

  /// In DTLS 1.2 with certificates on both sides every message has its one place. What a server
  /// sends comes one place later when it asked for a cookie first (HelloVerifyRequest).
  private func isPlausible(type: UInt8, sequence: Int, length: Int) -> Bool {
    guard length <= Self.messageBytesMax else { return false }
    switch (role, type) {
    case (.passive, 1): return sequence == 0  // ClientHello
    case (.passive, 11): return sequence == 1  // Certificate
    case (.passive, 16): return sequence == 2  // ClientKeyExchange
    case (.passive, 15): return sequence == 3  // CertificateVerify
    case (.active, 3): return sequence == 0  // HelloVerifyRequest
    case (.active, 2): return sequence <= 1  // ServerHello
    case (.active, 11): return sequence == 1 || sequence == 2  // Certificate
    case (.active, 12): return sequence == 2 || sequence == 3  // ServerKeyExchange
    case (.active, 13): return sequence == 3 || sequence == 4  // CertificateRequest
    case (.active, 14): return length == 0 && (sequence == 4 || sequence == 5)  // ServerHelloDone
    default: return false
    }
  }

  /// Protected records authenticate themselves; before the keys only their number and size count.
  private mutating func judgeProtected(
    type: UInt8, epoch: Int, length: Int, phase: Phase
  ) -> DropReason? {
    guard epoch == 1, (21...23).contains(type) else { return .malformed }
    switch phase {
    case .connected: return nil
    case .protected: return type == 23 ? .early : nil
    case .clear:
      guard type == 22, length <= Self.finishedBytesMax, earlyRecords < Self.earlyRecordsMax
      else { return .early }
      earlyRecords += 1
      return nil
    }
  }
}

extension Span<UInt8> {
  /// A number of up to four bytes, highest first.
  func number(at offset: Int, bytes count: Int) -> Int {
    var value = 0
    for index in offset..<(offset + count) { value = value << 8 | Int(self[index]) }
    return value
  }
}
