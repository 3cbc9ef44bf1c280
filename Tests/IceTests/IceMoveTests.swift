import Crypto
import Ice
import Testing
import Wire

/// Where media leaves, and who can change that.
@Suite struct IceMoveTests {
  private let later = start.advanced(byMilliseconds: 1_000)

  /// A call that runs by path 1.
  private func makeCall() -> IceLiteAgent {
    var agent = makeAgent()
    _ = agent.take(Check(nominates: true).bytes, from: path(1))
    agent.noteHandshakeFinished(path(1), at: start)
    _ = agent.noteAuthenticated(path(1), isNewest: true, at: start.advanced(byMilliseconds: 990))
    return agent
  }

  private func prove(_ agent: inout IceLiteAgent, at now: Instant) throws {
    let proof = try some(agent.nextProof(at: now))
    #expect(
      agent.take(answer(to: proof.bytes), from: proof.path, at: now).verdict == .proofAnswered)
  }

  @Test func mediaMovesAfterNominationProofAndAnAuthenticPacket() throws {
    var agent = makeCall()
    _ = agent.take(Check(nominates: true).bytes, from: path(2), at: later)
    #expect(agent.selected == path(1))
    try prove(&agent, at: later)
    #expect(agent.selected == path(1))
    #expect(agent.noteAuthenticated(path(2), isNewest: true, at: later) == true)
    #expect(agent.selected == path(2))
    // A packet that was late on the old path does not bring media back.
    #expect(
      agent.noteAuthenticated(path(1), isNewest: true, at: later.advanced(byMilliseconds: 5))
        == false)
    #expect(agent.selected == path(2))
  }

  @Test func thePacketMayComeBeforeTheProof() throws {
    var agent = makeCall()
    _ = agent.take(Check(nominates: true).bytes, from: path(2), at: later)
    #expect(agent.noteAuthenticated(path(2), isNewest: true, at: later) == false)
    try prove(&agent, at: later)
    #expect(agent.selected == path(2))
  }

  /// Before the keys too: a copy that overtakes the client's own draws the handshake to itself only
  /// until the client's path is proved.
  @Test func aNominationThatWasOvertakenByItsCopyWinsByItsProof() throws {
    var agent = makeAgent()
    _ = agent.take(Check().bytes, from: path(1))
    let nomination = Check(nominates: true).bytes
    _ = agent.take(nomination, from: path(66))
    _ = agent.take(nomination, from: path(1))
    try prove(&agent, at: start)
    #expect(agent.isProven(path(1)) == true)
    #expect(agent.selected == path(1))
  }

  /// Somebody who listens in replays a nomination from an address of its own.
  @Test func aReplayedNominationMovesNothing() throws {
    var agent = makeCall()
    let seen = Check(nominates: true).bytes
    #expect(agent.take(seen, from: path(66), at: later).news != nil)
    var now = later
    for _ in 0..<50 {
      now = now.advanced(byMilliseconds: 20)
      _ = agent.noteAuthenticated(path(1), isNewest: true, at: now)
      while let proof = agent.nextProof(at: now) {
        // It has no key to answer with.
        let forged = answer(to: proof.bytes, key: HmacSha1(key: "guess".utf8))
        #expect(agent.take(forged, from: path(66), at: now).verdict == .ignored(.wrongIntegrity))
      }
    }
    #expect(agent.selected == path(1))
  }

  /// A client with good keys names a victim's address: it gets the requests, and little more.
  /// Copies of a check from elsewhere are answered, and that is all that comes of them.
  @Test func copiesFromElsewhereNeitherKeepACallNorStarveIt() throws {
    var agent = makeCall()
    let copy = Check(nominates: true).bytes
    var ends = false
    for second in 1...40 {
      let now = start.advanced(byMilliseconds: UInt64(second) * 1_000)
      for _ in 0..<200 { _ = agent.take(copy, from: path(66), at: now) }
      // While the client is there it is heard.
      if second <= 5 {
        #expect(agent.take(Check().bytes, from: path(1), at: now).news != nil)
        #expect(agent.consentLost(at: now) == false)
      }
      ends = ends || agent.consentLost(at: now)
      #expect(ends == (second >= 35), "\(second)")
    }
    #expect(agent.selected == path(1))
    #expect(agent.ignored[Int(IceIgnored.tooMany.rawValue)] > 3_000)
  }

  /// A client that moved keeps its call, as soon as the new path is known to be its own.
  @Test(arguments: [true, false]) func aNewPathOfTheClientsKeepsTheCall(byProof: Bool) throws {
    var agent = makeCall()
    _ = agent.take(Check(nominates: true).bytes, from: path(2), at: later)
    if byProof {
      try prove(&agent, at: later)
    } else {
      _ = agent.noteAuthenticated(path(2), isNewest: true, at: later)
    }
    for second in 1...20 {
      let now = later.advanced(byMilliseconds: UInt64(second) * 5_000)
      _ = agent.take(Check().bytes, from: path(2), at: now)
      #expect(agent.consentLost(at: now) == false)
    }
  }

  @Test func anAddressThatNeverAnswersGetsThreeTimesWhatItSentAtMost() {
    var agent = makeCall()
    let check = Check(nominates: true).bytes
    let (verdict, reply, _) = agent.take(check, from: path(2), at: later)
    #expect(verdict != .ignored(.pathsFull))
    var sent = reply.count
    var now = later
    for _ in 0..<200 {
      now = now.advanced(byMilliseconds: 50)
      while let proof = agent.nextProof(at: now), proof.path == path(2) {
        sent += proof.bytes.count
      }
      if agent.admitSending(50, to: path(2)) { sent += 50 }
    }
    #expect(sent <= 3 * check.count)
    #expect(sent > 2 * check.count)
    #expect(agent.selected == path(1))
    #expect(agent.isProven(path(2)) == false)
    agent.noteReceived(1_000, from: path(2))
    #expect(agent.admitSending(2_900, to: path(2)) == true)
  }

  @Test func aProvenPathHasNoAllowanceAndAnUnknownOneGetsNothing() {
    var agent = makeCall()
    #expect(agent.admitSending(1_000_000, to: path(1)) == true)
    #expect(agent.admitSending(1, to: path(2)) == false)
    #expect(agent.noteAuthenticated(path(2), isNewest: true, at: later) == false)
  }

  /// A NAT has given the client another port; it goes on speaking and does not nominate again.
  @Test func aRebindingIsFollowedOnceTheOldPathIsSilent() throws {
    var agent = makeCall()
    _ = agent.take(Check().bytes, from: path(2), at: later)
    try prove(&agent, at: later)
    #expect(agent.noteAuthenticated(path(2), isNewest: true, at: later) == false)
    let silent = start.advanced(byMilliseconds: 1_600)
    #expect(agent.noteAuthenticated(path(2), isNewest: true, at: silent) == true)
    #expect(agent.selected == path(2))
  }

  @Test func theProofIsAskedForAgainAFewTimes() throws {
    var agent = makeCall()
    _ = agent.take(Check(nominates: true).bytes, from: path(2), at: later)
    agent.noteReceived(10_000, from: path(2))
    var times: [UInt64] = []
    var now = later
    while now < later.advanced(byMilliseconds: 20_000) {
      // The client of path 1 is asked for a sign of life meanwhile.
      if let proof = agent.nextProof(at: now), proof.path == path(2) {
        #expect(isSealed(proof.bytes, with: clientCredentials.key))
        times.append(now.milliseconds(since: later))
      }
      now = now.advanced(byMilliseconds: 10)
    }
    #expect(times == [0, 100, 300, 700, 1_500])
  }

  @Test func anAnswerFromElsewhereOrToAnotherRequestProvesNothing() throws {
    var agent = makeCall()
    _ = agent.take(Check(nominates: true).bytes, from: path(2), at: later)
    _ = agent.take(Check().bytes, from: path(3), at: later)
    let proof = try some(agent.nextProof(at: later))
    #expect(proof.path == path(2))
    let good = answer(to: proof.bytes)
    #expect(agent.take(good, from: path(3), at: later).verdict == .ignored(.unexpected))
    #expect(agent.take(good, from: path(4), at: later).verdict == .ignored(.unexpected))
    #expect(agent.isProven(path(2)) == false)
    #expect(agent.take(good, from: path(2), at: later).verdict == .proofAnswered)
    #expect(agent.isProven(path(2)) == true)
  }
}
