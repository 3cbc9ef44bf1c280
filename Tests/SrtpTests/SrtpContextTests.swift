import Srtp
import Testing

@Suite struct SrtpContextTests {
  @Test(arguments: SrtpProfile.allCases)
  func whatOneEndProtectsTheOtherReads(profile: SrtpProfile) throws {
    let (sender, receiver) = try makePair(profile)
    let packet = rtp(sequence: 7)
    var protected = sender.protect(packet)
    #expect(protected.count == packet.count + profile.tagByteCount)
    #expect(receiver.unprotect(&protected) == .ok)
    #expect(protected == packet)
  }
}

/// Two contexts that are each other's peer.
func makePair(_ profile: SrtpProfile) throws -> (SrtpContext, SrtpContext) {
  let one = (0..<profile.masterByteCount).map { UInt8($0) }
  let two = (0..<profile.masterByteCount).map { UInt8($0 + 100) }
  let keys = try #require(SrtpKeys(profile: profile, local: one, remote: two))
  let mirrored = try #require(SrtpKeys(profile: profile, local: two, remote: one))
  return (try #require(SrtpContext(keys: keys)), try #require(SrtpContext(keys: mirrored)))
}

/// An RTP packet of 12 + 80 bytes.
func rtp(sequence: UInt16, source: UInt8 = 1) -> [UInt8] {
  [0x80, 111, UInt8(sequence >> 8), UInt8(sequence & 255), 0, 0, 0, 9, 0, 0, 0, source]
    + [UInt8](repeating: 0x5A, count: 80)
}

extension SrtpContext {
  func protect(_ packet: [UInt8]) -> [UInt8] {
    var buffer = packet + [UInt8](repeating: 0, count: SrtpContext.overheadByteCount)
    var length = packet.count
    let status = unsafe buffer.withUnsafeMutableBytes {
      unsafe protectRtp($0, length: &length)
    }
    return status == .ok ? Array(buffer[..<length]) : []
  }

  func unprotect(_ packet: inout [UInt8]) -> SrtpStatus {
    var length = packet.count
    let status = unsafe packet.withUnsafeMutableBytes {
      unsafe unprotectRtp($0, length: &length)
    }
    if status == .ok { packet.removeSubrange(length...) }
    return status
  }
}
