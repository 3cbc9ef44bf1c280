import Testing
import Wire

/// The messages of RFC 5769; CryptoTests check their MESSAGE-INTEGRITY.
@Suite("STUN: the vectors of RFC 5769")
struct StunVectorTests {
  static let request = bytes(
    """
    00010058 2112a442 b7e7a701 bc34d686 fa87dfae 80220010 5354554e 20746573 7420636c 69656e74
    00240004 6e0001ff 80290008 932ff9b1 51263b36 00060009 6576746a 3a683676 59202020
    00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249 c1b571a2 80280004 e57a3bcf
    """)
  static let responseIPv4 = bytes(
    """
    0101003c 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220
    00200008 0001a147 e112a643 00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7
    80280004 c07d4c96
    """)
  static let responseIPv6 = bytes(
    """
    01010048 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220
    00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9
    00080014 a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41 80280004 c8fb0b4c
    """)

  @Test func request() throws {
    let message = try #require(stunMessage(Self.request))
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
    #expect(unsafe message.fingerprintHolds(in: Self.request.span.bytes))
  }

  @Test func requestUsername() throws {
    let message = try #require(stunMessage(Self.request))
    let local = unsafe message.localUfrag(in: Self.request.span.bytes)
    let remote = unsafe message.remoteUfrag(in: Self.request.span.bytes)
    #expect(local == ByteRange(offset: 64, count: 4))  // evtj
    #expect(remote == ByteRange(offset: 69, count: 4))  // h6vY
  }

  @Test func responses() throws {
    let ipv4 = try #require(stunMessage(Self.responseIPv4))
    #expect(ipv4.type == .bindingSuccess)
    #expect(ipv4.mappedAddress == TransportAddress("192.0.2.1:32853"))
    #expect(unsafe ipv4.fingerprintHolds(in: Self.responseIPv4.span.bytes))
    let ipv6 = try #require(stunMessage(Self.responseIPv6))
    #expect(ipv6.mappedAddress == TransportAddress("[2001:db8:1234:5678:11:2233:4455:6677]:32853"))
    #expect(unsafe ipv6.fingerprintHolds(in: Self.responseIPv6.span.bytes))
  }

  /// Every change of one bit before the checksum, or in it, is seen.
  @Test func fingerprintSeesEveryBit() {
    for bit in 0..<(Self.request.count * 8) {
      var changed = Self.request
      changed[bit / 8] ^= 1 << (bit % 8)
      guard let message = stunMessage(changed) else { continue }
      let holds = unsafe message.fingerprintHolds(in: changed.span.bytes)
      #expect(!holds, "bit \(bit)")
    }
  }
}
