import CallClient
import Session
import Testing
import Voice
import Wire

@Suite("A call")
struct CallTests {
  @Test(
    "the tone comes back at its pitch and level, and nothing is lost",
    arguments: [
      CallClientOptions.Setup.actpass, .active,
    ])
  func echo(setup: CallClientOptions.Setup) throws {
    let call = try CallPair(setup: setup)
    call.run(10_000)
    #expect(call.isConnected)
    let figures = call.client.figures
    let heard = try #require(figures.tone.last)
    #expect(abs(heard.hertz - 450) < 1)
    #expect(abs(heard.level - -12) < 1.5)
    #expect(figures.packetsLost == 0)
    #expect(figures.packetsReceived > 480)
    #expect(figures.tone.rightWindows == figures.tone.windows)
    #expect(call.session.figures.packetsLost == 0)
    #expect(call.session.figures.mediaRefused == 0)
  }

  @Test("it connects in a few round trips")
  func connects() throws {
    let call = try CallPair()
    call.run(1_000) { call.isConnected }
    #expect(call.isConnected)
    #expect(call.elapsedMilliseconds <= 10)
    #expect(call.events.contains(.reached(call.path)))
  }

  @Test("our hang-up reaches the caller, and the relay is told that the route is over")
  func hangUp() throws {
    let call = try CallPair()
    call.run(1_000)
    call.hangUp()
    #expect(call.session.end == .hungUp)
    #expect(call.endedPaths == [call.path])
    call.run(100)
    #expect(call.client.state != .connected)
    #expect(call.session.deadline == .never)
  }

  @Test("the caller's hang-up ends the session")
  func clientCloses() throws {
    let call = try CallPair()
    call.run(1_000)
    call.client.hangUp(at: call.now)
    call.collect()
    call.run(100)
    #expect(call.session.end == .clientClosed)
  }

  @Test("an ended session takes nothing and says nothing")
  func afterTheEnd() throws {
    let call = try CallPair()
    call.run(1_000)
    call.hangUp()
    let before = call.sent.filter { $0.way == .down }.count
    #expect(call.inject([0, 1, 0, 0]) == .refused)
    call.run(5_000)
    #expect(call.sent.filter { $0.way == .down }.count == before)
  }
}

@Suite("Every session ends for a reason")
struct EndTests {
  @Test("consent is lost 30 s after the last check")
  func consent() throws {
    let call = try CallPair()
    call.run(1_000)
    #expect(call.isConnected)
    call.network = { $0.way == .up ? [] : [1] }
    call.run(28_000)
    #expect(call.session.end == nil)
    call.run(5_000)
    #expect(call.session.end == .consentLost)
  }

  @Test("a call that nobody takes up is given up after the time to connect")
  func neverConnected() throws {
    let call = try CallPair(network: { _ in [] })
    call.run(29_900)
    #expect(call.session.end == nil)
    call.run(200)
    #expect(call.session.end == .neverConnected)
  }

  @Test("however long it may take to connect, a client that is silent for 30 s is given up")
  func patient() throws {
    let call = try CallPair(
      network: { _ in [] }, change: { $0.limits.connectMilliseconds = 120_000 })
    for _ in 0..<40 where call.session.end == nil {
      #expect(call.session.deadline > call.now)
      call.run(1_000, until: { call.session.end == nil && call.session.deadline <= call.now })
    }
    #expect(call.session.end == .neverConnected)
  }

  @Test("another certificate than the offer's gets no keys")
  func wrongCertificate() throws {
    let call = try CallPair(expecting: CallPair.identity)
    call.run(2_000)
    #expect(call.session.end == .fingerprintMismatch)
    #expect(!call.isConnected)
    #expect(call.session.figures.rtpSent == 0)
  }

  @Test("the longest call ends")
  func tooLong() throws {
    let call = try CallPair(change: { $0.limits.sessionMilliseconds = 3_000 })
    call.run(2_900)
    #expect(call.isConnected)
    call.run(200)
    #expect(call.session.end == .tooLong)
  }
}
