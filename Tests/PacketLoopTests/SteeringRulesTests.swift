import CSteering
import Testing

/// What the kernel's program says of a datagram, asked in user space.
@Suite struct SteeringRulesTests {
  static let stunRequest: [UInt8] =
    [0, 1, 0, 8, 0x21, 0x12, 0xA4, 0x42] + [UInt8](repeating: 7, count: 20)
  static let dtlsHello: [UInt8] = [22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4]
  static let rtp: [UInt8] = [0x80, 111] + [UInt8](repeating: 9, count: 30)

  func verdict(_ bytes: [UInt8]) -> steering_verdict {
    unsafe bytes.withUnsafeBufferPointer { unsafe steering_classify($0.baseAddress, $0.count) }
  }

  @Test func whatClientsSendIsKept() {
    #expect(verdict(Self.stunRequest) == STEERING_KEEP)
    #expect(verdict(Self.dtlsHello) == STEERING_KEEP)
    #expect(verdict(Self.rtp) == STEERING_KEEP)
    #expect(verdict([0x2F] + [UInt8](repeating: 0, count: 20)) == STEERING_KEEP)
  }

  @Test func everyReasonHasItsCase() {
    #expect(verdict([]) == STEERING_SHORT)
    #expect(verdict([0x80] + [UInt8](repeating: 0, count: 1_500)) == STEERING_LONG)
    #expect(verdict(Array("GET / HTTP/1.1\r\n\r\n".utf8)) == STEERING_KIND)
    var noCookie = Self.stunRequest
    noCookie[7] ^= 1
    #expect(verdict(noCookie) == STEERING_STUN_COOKIE)
    #expect(verdict(Self.stunRequest + [0]) == STEERING_STUN_LENGTH)
    var oddLength = Self.stunRequest + [0, 0]
    oddLength[3] = 10
    #expect(verdict(oddLength) == STEERING_STUN_LENGTH)
    var tls = Self.dtlsHello
    tls[1] = 3
    #expect(verdict(tls) == STEERING_DTLS_VERSION)
  }

  /// A STUN message and a DTLS record cut anywhere are dropped or kept, but only as their kind.
  @Test func everyLengthOfEveryKind() {
    for length in 0..<Self.stunRequest.count {
      let result = verdict(Array(Self.stunRequest.prefix(length)))
      #expect(result == (length < 20 ? STEERING_SHORT : STEERING_STUN_LENGTH), "\(length)")
    }
    for length in 0...Self.dtlsHello.count {
      let result = verdict(Array(Self.dtlsHello.prefix(length)))
      #expect(result == (length < 13 ? STEERING_SHORT : STEERING_KEEP), "\(length)")
    }
    for length in 0...Self.rtp.count {
      let result = verdict(Array(Self.rtp.prefix(length)))
      #expect(result == (length < 12 ? STEERING_SHORT : STEERING_KEEP), "\(length)")
    }
  }

  /// RFC 7983, section 7: the first byte alone decides between the kinds.
  @Test func everyFirstByte() {
    for first in UInt8.min...UInt8.max {
      let result = verdict([first, 254] + [UInt8](repeating: 0, count: 30))
      let expected: steering_verdict =
        switch first {
        case 0...3: STEERING_STUN_COOKIE
        case 20...63, 128...191: STEERING_KEEP
        default: STEERING_KIND
        }
      #expect(result == expected, "\(first)")
    }
  }
}
