import TestSupport
import Testing
import Wire

/// The messages of RFC 5769; CryptoTests check their MESSAGE-INTEGRITY.
@Suite("STUN: the vectors of RFC 5769")
struct StunVectorTests {
  @Test func request() throws {
    let request = Rfc5769.request
    let message = try #require(stunMessage(request))
    #expect(message.type == .bindingRequest)
    #expect(message.type.isRequest)
    #expect(message.transactionID == .init(high: 0xB7E7_A701, low: 0xBC34_D686_FA87_DFAE))
    #expect(message.count == 108)
    #expect(message.priority == 0x6E00_01FF)
    #expect(message.controlled == 0x932F_F9B1_5126_3B36)
    #expect(message.controlling == nil)
    #expect(message.username == ByteRange(offset: 64, count: 9))
    #expect(message.integrityOffset == 76)
    #expect(message.fingerprintOffset == 100)
    #expect(!message.useCandidate)
    #expect(message.unknownRequired == nil)
    #expect(unsafe message.fingerprintHolds(in: request.span.bytes))
  }

  @Test func requestUsername() throws {
    let request = Rfc5769.request
    let message = try #require(stunMessage(request))
    let local = unsafe message.localUfrag(in: request.span.bytes)
    let remote = unsafe message.remoteUfrag(in: request.span.bytes)
    #expect(local == ByteRange(offset: 64, count: 4))  // evtj
    #expect(remote == ByteRange(offset: 69, count: 4))  // h6vY
  }

  @Test func responses() throws {
    let responseIPv6 = Rfc5769.responseIPv6
    let responseIPv4 = Rfc5769.responseIPv4
    let ipv4 = try #require(stunMessage(responseIPv4))
    #expect(ipv4.type == .bindingSuccess)
    #expect(ipv4.mappedAddress == TransportAddress("192.0.2.1:32853"))
    #expect(unsafe ipv4.fingerprintHolds(in: responseIPv4.span.bytes))
    let ipv6 = try #require(stunMessage(responseIPv6))
    #expect(ipv6.mappedAddress == TransportAddress("[2001:db8:1234:5678:11:2233:4455:6677]:32853"))
    #expect(unsafe ipv6.fingerprintHolds(in: responseIPv6.span.bytes))
  }

  /// Every change of one bit before the checksum, or in it, is seen.
  @Test func fingerprintSeesEveryBit() {
    for bit in 0..<(Rfc5769.request.count * 8) {
      var changed = Rfc5769.request
      changed[bit / 8] ^= 1 << (bit % 8)
      guard let message = stunMessage(changed) else { continue }
      let holds = unsafe message.fingerprintHolds(in: changed.span.bytes)
      #expect(!holds, "bit \(bit)")
    }
  }
}
