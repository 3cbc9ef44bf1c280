import Crypto
import Ice
import Testing
import Wire

@Suite struct IceLiteAgentTests {
  @Test func answersACheckWithASignedMappedAddress() throws {
    var agent = makeAgent()
    let (verdict, reply, _) = agent.take(Check().bytes, from: path(9))
    #expect(
      verdict
        == .respond(length: reply.count, IceNews(isNewPath: true, isNominatedNow: false)))
    let message = try #require(parse(reply))
    #expect(message.type == .bindingSuccess)
    #expect(message.transactionID == StunTransactionID(high: 7, low: 1))
    #expect(message.mappedAddress == path(9).client)
    #expect(isSealed(reply, with: serverCredentials.key))
    #expect(agent.isValidated(path(9)) == true)
    #expect(agent.selected == path(9))
  }

  @Test func newsAreToldOnce() {
    var agent = makeAgent()
    let nominating = Check(nominates: true).bytes
    #expect(
      agent.take(Check().bytes, from: path(1)).news
        == IceNews(isNewPath: true, isNominatedNow: false))
    #expect(
      agent.take(nominating, from: path(1)).news == IceNews(isNewPath: false, isNominatedNow: true))
    #expect(
      agent.take(nominating, from: path(1)).news == IceNews(isNewPath: false, isNominatedNow: false)
    )
    #expect(
      agent.take(nominating, from: path(2)).news == IceNews(isNewPath: true, isNominatedNow: true))
  }

  /// Bad requests get silence, are counted, and change nothing: not the paths, not the consent.
  @Test func badRequestsMeetSilence() {
    let wrongKey = HmacSha1(key: "another-password-entirely!".utf8)
    let cases: [([UInt8], IceIgnored)] = [
      (Check(receiver: Array("somebodyElse".utf8)).bytes, .wrongUsername),
      (Check(sender: Array("other".utf8)).bytes, .wrongUsername),
      (
        Check(receiver: clientCredentials.ufrag, sender: serverCredentials.ufrag).bytes,
        .wrongUsername
      ),
      (Check(key: nil).bytes, .wrongIntegrity),
      (Check(key: wrongKey).bytes, .wrongIntegrity),
      (Check(key: clientCredentials.key).bytes, .wrongIntegrity),
      (Check(type: .bindingIndication).bytes, .indication),
      (Check(type: .bindingSuccess).bytes, .unexpected),
      (Check(type: .bindingError).bytes, .unexpected),
      (Check(type: StunMessageType(rawValue: 0x0003)).bytes, .unexpected),
      ([0, 1, 2, 3], .malformed),
    ]
    var agent = makeAgent()
    let later = start.advanced(byMilliseconds: 1_000)
    for (bytes, reason) in cases {
      let (verdict, reply, _) = agent.take(bytes, from: path(1), at: later)
      #expect(verdict == .ignored(reason))
      #expect(reply.isEmpty)
      #expect(agent.isValidated(path(1)) == false)
      #expect(agent.ignored[Int(reason.rawValue)] > 0)
    }
    #expect(agent.answered == 0)
    #expect(agent.selected == nil)
    #expect(agent.deadline == start.advanced(byMilliseconds: 30_000))
  }

  @Test func everyLengthAndEveryChangedByteIsIgnored() {
    var agent = makeAgent()
    let whole = Check(nominates: true).bytes
    for count in 0..<whole.count {
      #expect(agent.take(Array(whole.prefix(count)), from: path(1)).news == nil)
    }
    // FINGERPRINT, the last eight bytes, may be missing, so another type in its place may be.
    for position in whole.indices where !(whole.count - 8..<whole.count - 6).contains(position) {
      var changed = whole
      changed[position] ^= 0x04
      #expect(agent.take(changed, from: path(1)).news == nil, "byte \(position)")
    }
    #expect(agent.isValidated(path(1)) == false)
    #expect(agent.take(whole, from: path(1)).news != nil)
  }

  /// RFC 8489, section 6.3.1.
  @Test func whatMayNotBeIgnoredIsRefusedByName() throws {
    var agent = makeAgent()
    var reply = [UInt8](repeating: 0, count: 128)
    func refusal(of check: Check) -> [UInt8]? {
      let bytes = check.bytes
      let verdict = unsafe reply.withUnsafeMutableBytes {
        unsafe agent.handle(bytes.span.bytes, from: path(1), at: start, reply: $0)
      }
      guard case .refuse(let length) = verdict else { return nil }
      #expect(length <= 2 * bytes.count)
      return Array(reply[..<length])
    }
    let refused = try #require(refusal(of: Check(unknown: 0x7123)))
    let message = try #require(parse(refused))
    #expect(message.type == .bindingError)
    #expect(message.transactionID == StunTransactionID(high: 7, low: 1))
    #expect(message.errorCode == 420)
    let unknownAttributes: [UInt8] = [0x00, 0x0A, 0x00, 0x02, 0x71, 0x23]
    #expect(refused.indices.contains { refused[$0...].starts(with: unknownAttributes) })
    #expect(isSealed(refused, with: serverCredentials.key))
    #expect(agent.isValidated(path(1)) == false)
    #expect(agent.selected == nil)
    // Nobody else is told, and what may be ignored is.
    #expect(refusal(of: Check(key: clientCredentials.key, unknown: 0x7123)) == nil)
    #expect(refusal(of: Check(unknown: 0x8123)) == nil)
    #expect(agent.isValidated(path(1)) == true)
  }

  @Test func moreThanAHundredRequestsInASecondAreIgnored() {
    var agent = makeAgent()
    var answered = 0
    for _ in 0..<500 where agent.take(Check().bytes, from: path(1)).news != nil { answered += 1 }
    #expect(answered == 100)
    let later = start.advanced(byMilliseconds: 1_000)
    #expect(agent.take(Check().bytes, from: path(1), at: later).news != nil)
  }

  @Test func consentEndsAfterThirtySecondsWithoutARequest() {
    var agent = makeAgent()
    let last = start.advanced(byMilliseconds: 20_000)
    _ = agent.take(Check().bytes, from: path(1), at: last)
    #expect(agent.consentLost(at: last.advanced(byMilliseconds: 29_999)) == false)
    #expect(agent.consentLost(at: last.advanced(byMilliseconds: 30_000)) == true)
  }

  @Test func pathsAreBoundedAndTheIdleOnesMakeRoom() {
    var agent = makeAgent()
    for port in UInt16(1)...8 {
      #expect(agent.take(Check().bytes, from: path(port)).news != nil)
    }
    #expect(agent.take(Check().bytes, from: path(9)).verdict == .ignored(.pathsFull))
    let later = start.advanced(byMilliseconds: 6_000)
    _ = agent.take(Check().bytes, from: path(2), at: later)
    #expect(agent.take(Check().bytes, from: path(9), at: later).news?.isNewPath == true)
    #expect(agent.isValidated(path(1)) == true, "the selected path stays")
    #expect(agent.isValidated(path(2)) == true)
    #expect(agent.isValidated(path(3)) == false)
  }
}
