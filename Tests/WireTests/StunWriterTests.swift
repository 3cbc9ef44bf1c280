import Testing
import Wire

@Suite("STUN: what we write is what we read")
struct StunWriterTests {
  @Test func request() throws {
    let whole = stun {
      unsafe $0.append(usernameOf: Array("abc".utf8).span.bytes, from: Array("de".utf8).span.bytes)
      $0.append(priority: 0x0102_0304)
      $0.append(controlledTieBreaker: 5)
      $0.appendUseCandidate()
      $0.appendFingerprint()
    }
    let message = try #require(stunMessage(whole))
    #expect(Array(whole[24..<30]) == Array("abc:de".utf8))
    #expect(Array(whole[30..<32]) == [0, 0])  // padding is zero
    #expect(message.username == ByteRange(offset: 24, count: 6))
    #expect(message.priority == 0x0102_0304)
    #expect(message.controlled == 5)
    #expect(message.useCandidate)
    #expect(unsafe message.fingerprintHolds(in: whole.span.bytes))
  }

  @Test(arguments: ["203.0.113.9:1", "[2001:db8::9]:65535", "[::]:0", "0.0.0.0:443"])
  func mappedAddress(text: String) throws {
    let address = try #require(TransportAddress(text))
    let whole = stun(.bindingSuccess) { $0.append(xorMappedAddress: address) }
    #expect(stunMessage(whole)?.mappedAddress == address)
  }

  @Test func errorAnswer() throws {
    let whole = stun(.bindingError) {
      $0.append(errorCode: 420, reason: "Unknown Attribute")
      $0.append(unknownAttribute: 0x7000)
    }
    let message = try #require(stunMessage(whole))
    #expect(message.errorCode == 420)
    #expect(message.type.isError)
    #expect(Array(whole.suffix(8)) == [0x00, 0x0A, 0, 2, 0x70, 0x00, 0, 0])
  }

  /// A message is whole after every call: its length always agrees.
  @Test func lengthAlwaysAgrees() {
    _ = stun { writer in
      for count in 0..<9 {
        writer.append(0xC001, [UInt8](repeating: 1, count: count))
        let written = unsafe Array(writer.written)
        #expect(stunMessage(written)?.count == written.count)
      }
    }
  }

  @Test func longestRequestFits() {
    let ufrag = [UInt8](repeating: UInt8(ascii: "u"), count: 253)
    let whole = stun {
      unsafe $0.append(usernameOf: ufrag.span.bytes, from: ufrag.span.bytes)
      $0.append(priority: 1)
      $0.append(controllingTieBreaker: 1)
      $0.appendUseCandidate()
      _ = $0.appendIntegrityPlaceholder()
      $0.appendFingerprint()
    }
    #expect(whole.count <= StunWriter.bytesMax)
    #expect(stunMessage(whole)?.username?.count == 507)
  }

  @Test func fullMemoryTraps() async {
    await #expect(processExitsWith: .failure) {
      var buffer = [UInt8](repeating: 0, count: 21)
      unsafe buffer.withUnsafeMutableBytes { buffer in
        let id = StunTransactionID(high: 0, low: 0)
        var writer = unsafe StunWriter(into: buffer, type: .bindingRequest, transactionID: id)
        writer.append(priority: 1)
      }
    }
  }
}
