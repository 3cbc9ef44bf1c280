import Srtp
import Testing
import Wire

/// Two contexts that are each other's peer.
func makePair(_ profile: SrtpProfile, salt: Int = 0) throws -> (SrtpContext, SrtpContext) {
  let one = (0..<profile.masterByteCount).map { UInt8($0 + salt) }
  let two = (0..<profile.masterByteCount).map { UInt8($0 + 100 + salt) }
  let keys = try #require(SrtpKeys(profile: profile, local: one, remote: two))
  let mirrored = try #require(SrtpKeys(profile: profile, local: two, remote: one))
  return (try #require(SrtpContext(keys: keys)), try #require(SrtpContext(keys: mirrored)))
}

/// An RTP packet of 12 + 80 bytes.
func rtp(sequence: UInt16, source: UInt8 = 1) -> [UInt8] {
  [0x80, 111, UInt8(sequence >> 8), UInt8(sequence & 255), 0, 0, 0, 9, 0, 0, 0, source]
    + [UInt8](repeating: 0x5A, count: 80)
}

/// A receiver report without blocks, and a description of 16 bytes.
func rtcp(source: UInt8 = 1) -> [UInt8] {
  [0x80, 201, 0, 1, 0, 0, 0, source]
    + [0x81, 202, 0, 3, 0, 0, 0, source, 1, 5, 97, 98, 99, 100, 101, 0]
}

func randomBytes(_ count: Int, _ random: inout SeededRandom) -> [UInt8] {
  (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
}

/// An RTP packet with up to 15 CSRCs and, in half of them, an extension of up to 20 words.
func randomRtp(
  sequence: UInt16, source: UInt8, payloadByteCount: Int, _ random: inout SeededRandom
) -> [UInt8] {
  let sources = Int.random(in: 0...15, using: &random)
  let words = Bool.random(using: &random) ? Int.random(in: 0...20, using: &random) : nil
  let first = 0x80 | UInt8(sources) | (words == nil ? 0 : 0x10)
  var packet: [UInt8] = [first, 111, UInt8(sequence >> 8), UInt8(sequence & 255)]
  packet += randomBytes(4, &random) + [0, 0, 0, source] + randomBytes(4 * sources, &random)
  if let words { packet += [0xBE, 0xDE, 0, UInt8(words)] + randomBytes(4 * words, &random) }
  return packet + randomBytes(payloadByteCount, &random)
}

func bytes(_ hexadecimal: String) -> [UInt8] {
  let digits = Array(hexadecimal)
  return stride(from: 0, to: digits.count, by: 2).map {
    UInt8(String(digits[$0...($0 + 1)]), radix: 16)!
  }
}

extension SrtpContext {
  func protect(_ packet: [UInt8]) -> [UInt8] {
    unsafe apply(packet, room: Self.overheadByteCount) { unsafe protectRtp($0, length: &$1) }.bytes
  }

  func protectControl(_ packet: [UInt8]) -> [UInt8] {
    unsafe apply(packet, room: Self.overheadByteCount) { unsafe protectRtcp($0, length: &$1) }.bytes
  }

  func unprotect(_ packet: inout [UInt8]) -> SrtpStatus {
    let result = unsafe apply(packet, room: 0) { unsafe unprotectRtp($0, length: &$1) }
    packet = result.bytes
    return result.status
  }

  func unprotectControl(_ packet: inout [UInt8]) -> SrtpStatus {
    let result = unsafe apply(packet, room: 0) { unsafe unprotectRtcp($0, length: &$1) }
    packet = result.bytes
    return result.status
  }

  /// The status and the packet that `step` made of `packet`; no bytes when it refused.
  private func apply(
    _ packet: [UInt8], room: Int,
    _ step: (UnsafeMutableRawBufferPointer, inout Int) -> SrtpStatus
  ) -> (status: SrtpStatus, bytes: [UInt8]) {
    var buffer = packet + [UInt8](repeating: 0, count: room)
    var length = packet.count
    let status = unsafe buffer.withUnsafeMutableBytes { unsafe step($0, &length) }
    return (status, status == .ok ? Array(buffer[..<length]) : [])
  }
}
