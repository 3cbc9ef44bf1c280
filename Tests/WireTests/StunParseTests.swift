import TestSupport
import Testing
import Wire

@Suite("STUN: any bytes at all")
struct StunParseTests {
  @Test(arguments: [
    Rfc5769.request, Rfc5769.responseIPv4, Rfc5769.responseIPv6,
  ])
  func everyLength(whole: [UInt8]) {
    for length in 0..<whole.count {
      // Cut off: the header says more than is there.
      let expected: StunDefect = length < 20 ? .short : .length
      #expect(parse(Array(whole[..<length])) == .malformed(expected), "length \(length)")
      // Cut off, with a header that agrees: whatever it is, it does not trap.
      if length >= 20 {
        var agreed = Array(whole[..<length])
        agreed[2] = UInt8((length - 20) >> 8)
        agreed[3] = UInt8((length - 20) & 255)
        _ = parse(agreed)
      }
    }
    #expect(parse(whole + [0]) == .malformed(.length))
  }

  @Test func everyAttributeLength() {
    for type in [0x0001, 0x0006, 0x0008, 0x0009, 0x0020, 0x0024, 0x0025, 0x8028, 0x8029, 0xC070] {
      for length in 0..<64 {
        for claimed in [length, length + 1, length + 4, 0x7FFF, 0xFFFF] {
          var whole = stun { $0.append(UInt16(type), [UInt8](repeating: 1, count: length)) }
          whole[22] = UInt8(claimed >> 8)
          whole[23] = UInt8(claimed & 255)
          if (claimed + 3) & ~3 > whole.count - 24 {
            #expect(parse(whole) == .malformed(.attributeOverrun))
          } else {
            _ = parse(whole)
          }
        }
      }
    }
  }

  @Test func randomChangesNeverTrap() {
    var random = SeededRandom(seed: 5389)
    for _ in 0..<20_000 {
      var changed = Rfc5769.request
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        changed[Int.random(in: 0..<changed.count, using: &random)] = .random(
          in: .min ... .max, using: &random)
      }
      guard let message = stunMessage(changed) else { continue }
      #expect(message.count == changed.count)
      _ = unsafe message.localUfrag(in: changed.span.bytes)
      _ = unsafe message.remoteUfrag(in: changed.span.bytes)
      _ = unsafe message.fingerprintHolds(in: changed.span.bytes)
    }
  }

  @Test func headers() {
    var wrongCookie = Rfc5769.request
    wrongCookie[4] ^= 1
    #expect(parse(wrongCookie) == .malformed(.notStun))
    var wrongBits = Rfc5769.request
    wrongBits[0] |= 0x40
    #expect(parse(wrongBits) == .malformed(.notStun))
    #expect(parse(stun { _ in } + [0, 0]) == .malformed(.length))
    var oddLength = stun { _ in } + [0, 0]
    oddLength[3] = 2
    #expect(parse(oddLength) == .malformed(.length))
  }

  /// Longer than UDP can carry, as a stream might: refused, and no offset overflows.
  @Test func longestMessages() {
    for body in [65_496, 65_500, 65_504, 65_532] {
      var whole = stun { _ in } + [UInt8](repeating: 0, count: body)
      whole[2] = UInt8(body >> 8)
      whole[3] = UInt8(body & 255)
      // One attribute that fills all but the last 12 bytes, then USERNAME.
      let filling = body - 16
      whole.replaceSubrange(20..<24, with: [0xC0, 1, UInt8(filling >> 8), UInt8(filling & 255)])
      whole.replaceSubrange((8 + body)..<(14 + body), with: [0, 6, 0, 3, 97, 58])
      let expected = body <= 65_500 ? 12 + body : nil
      #expect(stunMessage(whole)?.username?.offset == expected, "body of \(body)")
    }
  }

  @Test func classes() {
    #expect(StunMessageType.bindingIndication.isIndication)
    #expect(StunMessageType.bindingSuccess.isSuccess)
    #expect(StunMessageType.bindingError.isError)
    #expect(!StunMessageType.bindingError.isRequest)
    // The method's bits lie on both sides of the class's (RFC 8489, figure 3).
    #expect(StunMessageType(rawValue: 0x3EEF).isRequest)
  }

  /// libnice sends USERNAME third, browsers first; what is optional and unknown is stepped over.
  @Test func orderIsFree() throws {
    let whole = stun {
      $0.append(0xC070, [UInt8](repeating: 7, count: 301))
      $0.append(priority: 99)
      $0.append(controllingTieBreaker: 12)
      $0.append(username: "ours:theirs")
      $0.appendUseCandidate()
      $0.append(0xC057, [1, 2, 3])
    }
    let message = try #require(stunMessage(whole))
    #expect(message.priority == 99)
    #expect(message.controlling == 12)
    #expect(message.useCandidate)
    #expect(message.unknownRequired == nil)
    #expect(unsafe message.localUfrag(in: whole.span.bytes)?.count == 4)
    #expect(unsafe message.remoteUfrag(in: whole.span.bytes)?.count == 6)
  }

  /// RFC 8489, section 14: of a repeated attribute the first counts.
  @Test func firstOfRepeatedAttributesCounts() throws {
    let whole = stun {
      $0.append(username: "a:b")
      $0.append(username: "other:b")
      $0.append(priority: 1)
      $0.append(priority: 2)
    }
    let message = try #require(stunMessage(whole))
    #expect(message.username?.count == 3)
    #expect(message.priority == 1)
  }

  /// RFC 8489, section 14.5: what follows MESSAGE-INTEGRITY is not authenticated.
  @Test(arguments: [UInt16(0x0008), 0x001C])
  func nothingCountsAfterIntegrity(type: UInt16) throws {
    let whole = stun {
      $0.append(type, [UInt8](repeating: 0, count: 20))
      $0.append(username: "ours:theirs")
      $0.append(priority: 99)
      $0.appendUseCandidate()
      $0.append(0x0008, [UInt8](repeating: 0, count: 20))
      $0.append(0x7FFF, [])
      $0.appendFingerprint()
    }
    let message = try #require(stunMessage(whole))
    #expect(message.username == nil)
    #expect(message.priority == nil)
    #expect(!message.useCandidate)
    #expect(message.unknownRequired == nil)
    #expect(message.integrityOffset == (type == 0x0008 ? 20 : nil))
    #expect(message.fingerprintOffset == whole.count - 8)
  }

  @Test func nothingFollowsFingerprint() {
    let whole = stun {
      $0.appendFingerprint()
      $0.append(priority: 99)
    }
    #expect(parse(whole) == .malformed(.afterFingerprint))
  }

  @Test func attributesAreBounded() throws {
    let most = stun { for _ in 0..<StunLimits.attributesMax { $0.append(0xC001, []) } }
    #expect(stunMessage(most) != nil)
    let more = stun { for _ in 0...StunLimits.attributesMax { $0.append(0xC001, []) } }
    #expect(parse(more) == .malformed(.tooManyAttributes))
  }

  @Test func unknownRequiredAttributeIsReported() throws {
    let whole = stun {
      $0.append(0xC001, [])
      $0.append(0x7000, [1])
      $0.append(0x7001, [1])
    }
    #expect(stunMessage(whole)?.unknownRequired == 0x7000)
  }

  @Test func usernameHasALimit() {
    let longest = String(repeating: "u", count: StunLimits.usernameBytesMax)
    #expect(stunMessage(stun { $0.append(username: longest) })?.username?.count == 508)
    #expect(parse(stun { $0.append(username: longest + "u") }) == .malformed(.attributeValue))
    #expect(parse(stun { $0.append(username: "") }) == .malformed(.attributeValue))
  }

  @Test func usernameWithoutColonHasNoUfrags() throws {
    let whole = stun { $0.append(username: "nocolon") }
    let message = try #require(stunMessage(whole))
    #expect(unsafe message.localUfrag(in: whole.span.bytes) == nil)
    #expect(unsafe message.remoteUfrag(in: whole.span.bytes) == nil)
  }

  @Test func usernameIsSplitAtTheFirstColon() throws {
    let whole = stun { $0.append(username: ":a:b") }
    let message = try #require(stunMessage(whole))
    #expect(unsafe message.localUfrag(in: whole.span.bytes)?.count == 0)
    #expect(unsafe message.remoteUfrag(in: whole.span.bytes)?.count == 3)
  }
}
