import Crypto
import Ice
import Testing
import Wire

/// What keeps a call alive, and who is asked for it.
@Suite struct IceConsentTests {
  /// A call that runs by path 1; its client checks no more.
  private func makeCall() -> IceLiteAgent {
    var agent = makeAgent()
    _ = agent.take(Check(nominates: true).bytes, from: path(1))
    agent.noteHandshakeFinished(path(1), at: start)
    return agent
  }

  private func after(_ milliseconds: UInt64) -> Instant {
    start.advanced(byMilliseconds: milliseconds)
  }

  @Test func newerPacketsKeepACall() {
    var agent = makeCall()
    for second in 1...60 {
      _ = agent.noteAuthenticated(path(1), isNewest: true, at: after(UInt64(second) * 1_000))
      #expect(agent.consentLost(at: after(UInt64(second) * 1_000)) == false)
    }
    #expect(agent.consentLost(at: after(89_999)) == false)
    #expect(agent.consentLost(at: after(90_000)) == true)
  }

  /// Somebody has kept packets back and brings them one by one: each is new to the replay window.
  @Test func packetsThatWereKeptBackDoNot() {
    var agent = makeCall()
    for second in 1...29 {
      _ = agent.noteAuthenticated(path(1), isNewest: false, at: after(UInt64(second) * 1_000))
    }
    #expect(agent.consentLost(at: after(30_000)) == true)
  }

  @Test func noPacketCountsFromAPathWithoutACheck() {
    var agent = makeCall()
    _ = agent.noteAuthenticated(path(2), isNewest: true, at: after(20_000))
    #expect(agent.consentLost(at: after(30_000)) == true)
  }

  @Test func whoSendsNoCheckIsAskedEachFiveSecondsAndItsAnswersKeepTheCall() throws {
    var agent = makeCall()
    var times: [UInt64] = []
    for tenth in UInt64(1)...600 {
      let now = after(tenth * 100)
      #expect(agent.consentLost(at: now) == false)
      guard let request = agent.nextProof(at: now, seed: tenth) else { continue }
      #expect(request.path == path(1))
      #expect(isSealed(request.bytes, with: clientCredentials.key))
      times.append(now.milliseconds(since: start))
      #expect(
        agent.take(answer(to: request.bytes), from: path(1), at: now).verdict == .proofAnswered)
    }
    #expect(times == Array(stride(from: 6_500, through: 60_000, by: 5_000)))
  }

  @Test func whoAnswersNothingIsLostAfterThirtySeconds() {
    var agent = makeCall()
    var asked = 0
    var now = start
    while !agent.consentLost(at: now) {
      #expect(agent.deadline > now)
      now = agent.deadline
      while agent.nextProof(at: now, seed: now.nanoseconds) != nil { asked += 1 }
    }
    #expect(now == after(30_000))
    #expect(asked == 5)
  }

  /// Chromium, Firefox, aiortc, RFC 7675's longest interval, and a machine that is late.
  @Test(arguments: [UInt64(2_656), 4_750, 5_900, 6_000, 6_400])
  func whoChecksIsNeverAsked(interval: UInt64) {
    var agent = makeCall()
    var lastCheck = start
    var asked = 0
    for step in UInt64(1)...6_000 {
      let now = after(step * 10)
      if now.milliseconds(since: lastCheck) >= interval {
        _ = agent.take(Check(transaction: step).bytes, from: path(1), at: now)
        lastCheck = now
      }
      while agent.nextProof(at: now, seed: step) != nil { asked += 1 }
    }
    #expect(asked == 0)
  }

  @Test func anAnswerCountsOnceAndFromWhereItWasAskedFor() throws {
    var agent = makeCall()
    let request = try some(agent.nextProof(at: after(6_500), seed: 1))
    let good = answer(to: request.bytes)
    let forged = answer(to: request.bytes, key: HmacSha1(key: "guess".utf8))
    let now = after(6_600)
    _ = agent.take(Check().bytes, from: path(66), at: now)
    #expect(agent.take(good, from: path(66), at: now).verdict == .ignored(.unexpected))
    #expect(agent.take(forged, from: path(1), at: now).verdict == .ignored(.wrongIntegrity))
    #expect(agent.consentLost(at: after(30_000)) == true)
    #expect(agent.take(good, from: path(1), at: now).verdict == .proofAnswered)
    for second in UInt64(7)...36 {
      #expect(
        agent.take(good, from: path(1), at: after(second * 1_000)).verdict == .ignored(.unexpected))
    }
    #expect(agent.consentLost(at: after(36_599)) == false)
    #expect(agent.consentLost(at: after(36_600)) == true)
  }

  @Test func beforeTheFirstCheckNobodyIsAsked() {
    var agent = makeAgent()
    #expect(agent.deadline == after(30_000))
    #expect(agent.nextProof(at: after(20_000)) == nil)
  }
}
