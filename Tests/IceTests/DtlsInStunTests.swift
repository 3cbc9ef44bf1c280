import Crypto
import Ice
import Testing
import Wire

/// A client that carries DTLS in its checks is told that we know of it, and have nothing to say
/// there; it goes on by DTLS as it is.
@Suite struct DtlsInStunTests {
  /// The attributes of a reply, in order, without their values.
  private func attributes(of bytes: [UInt8]) -> [UInt16] {
    var found: [UInt16] = []
    var offset = 20
    while offset + 4 <= bytes.count {
      found.append(UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1]))
      offset += 4 + (Int(bytes[offset + 3]) + 3) & ~3
    }
    return found
  }

  @Test(arguments: [UInt16(0xC070), 0xC071], [0, 3, 4, 16, 900])
  func eitherAttributeIsAnsweredByBothEmpty(attribute: UInt16, length: Int) {
    var agent = makeAgent()
    let value = [UInt8](repeating: 0x16, count: length)
    let reply = agent.take(Check(unknown: attribute, value: value).bytes, from: path(1)).reply
    // XOR-MAPPED-ADDRESS, ACK, DATA, MESSAGE-INTEGRITY, FINGERPRINT.
    #expect(attributes(of: reply) == [0x0020, 0xC071, 0xC070, 0x0008, 0x8028])
    #expect(reply.count == 20 + 12 + 4 + 4 + 24 + 8)
    #expect(isSealed(reply, with: serverCredentials.key))
  }

  @Test func othersHearNothingOfIt() {
    var agent = makeAgent()
    for check in [Check(), Check(unknown: 0xC057), Check(unknown: 0xC072), Check(unknown: 0xC06F)] {
      let reply = agent.take(check.bytes, from: path(1)).reply
      #expect(attributes(of: reply) == [0x0020, 0x0008, 0x8028])
    }
  }

  /// Anybody may add an attribute behind the signature.
  @Test func behindTheSignatureItDoesNotCount() {
    var agent = makeAgent()
    let check = Check(behindIntegrity: 0xC071).bytes
    #expect(attributes(of: agent.take(check, from: path(1)).reply) == [0x0020, 0x0008, 0x8028])
    let forged = Check(key: clientCredentials.key, unknown: 0xC071).bytes
    #expect(agent.take(forged, from: path(1)).verdict == .ignored(.wrongIntegrity))
  }
}
