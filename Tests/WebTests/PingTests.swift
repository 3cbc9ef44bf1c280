import CWeb
import Synchronization
import Testing

/// Whether both ends notice that the other is there, and that it is not.
@Suite("WebSocket pings")
struct PingTests {
  private func limits(
    pingMilliseconds: UInt32, silenceMilliseconds: UInt32, queueBytesMax: Int = 0
  ) -> ws_limits {
    var limits = ws_limits()
    limits.ping_milliseconds = pingMilliseconds
    limits.silence_milliseconds = silenceMilliseconds
    limits.queue_bytes_max = queueBytesMax
    return limits
  }

  /// The peer reads nothing, so its Ping's Pong waits while our own pings fall due.
  @Test func aPongThatWaitsIsNotOverwrittenByAPing() throws {
    let server = try ServerUnderTest(
      limits: limits(
        pingMilliseconds: 20, silenceMilliseconds: 600_000, queueBytesMax: 32 << 20))
    let probe = WebSocketProbe(server)
    probe.send("fill")
    #expect(server.sockets.waits { $0.contains { $0.hasPrefix("taken") } })
    probe.http.waitUntilFull()
    let payload = (1...100).map { UInt8($0) }
    probe.send(0x89, payload)
    // What comes behind the Ping has been read: so the Pong waits. Then our pings' time comes.
    probe.send("hello")
    #expect(server.sockets.waits(for: "text 5"))
    pause(milliseconds: 200)
    let frames = probe.frames { $0.first == 0x8A }
    #expect(frames.last?.payload == payload)
    #expect(frames.filter { $0.first == 0x89 }.allSatisfy { $0.text == "ping" })
  }

  @Test func everyPingOfAPeerThatPingsWhenWeDoIsAnswered() throws {
    let server = try ServerUnderTest(
      limits: limits(pingMilliseconds: 5, silenceMilliseconds: 600_000))
    pingInRounds(WebSocketProbe(server))
  }

  @Test func everyPingOfAServiceThatPingsWhenWeDoIsAnswered() throws {
    let service = try WebSocketPeer()
    let client = try ClientUnderTest(
      limits: limits(pingMilliseconds: 5, silenceMilliseconds: 600_000))
    client.open(port: service.port)
    pingInRounds(try #require(service.accept()))
  }

  /// Each round begins with a ping of ours; the peer's own goes out in the same moment, before or
  /// after the answer to ours.
  private func pingInRounds(_ probe: some FrameChannel) {
    for round in 0..<200 {
      let ours = probe.frames { $0.first == 0x89 }.last
      #expect(ours?.first == 0x89)
      let payload = [UInt8(round)] + Array("are you there?".utf8)
      let ping = probe.frame(0x89, payload)
      let pong = probe.frame(0x8A, ours?.payload ?? [])
      probe.send(round % 2 == 0 ? ping + pong : pong + ping)
      #expect(probe.frames { $0.first == 0x8A }.last?.payload == payload)
    }
  }

  @Test func aClientThatAnswersPingsLives() throws {
    let server = try ServerUnderTest(
      limits: limits(pingMilliseconds: 100, silenceMilliseconds: 2_000))
    try lives { WebSocketProbe(server) }
  }

  @Test func aServiceThatAnswersPingsLives() throws {
    let service = try WebSocketPeer()
    let client = try ClientUnderTest(
      limits: limits(pingMilliseconds: 100, silenceMilliseconds: 2_000))
    try lives {
      client.open(port: service.port)
      return try #require(service.accept())
    }
  }

  /// Answers pings for longer than a silent peer is left alone, and says nothing else. A try in
  /// which this machine kept the test from answering says nothing, and another is made.
  private func lives(_ connect: () throws -> some FrameChannel) throws {
    for _ in 0..<10 {
      let probe = try connect()
      var slowest = Duration.zero
      var last = ContinuousClock.now
      var answered = 0
      while answered < 30, let ping = probe.frames(until: { $0.first == 0x89 }).last {
        slowest = max(slowest, last.duration(to: .now))
        last = .now
        if ping.first != 0x89 { break }
        probe.send(probe.frame(0x8A, ping.payload))
        answered += 1
      }
      if answered == 30 { return }
      slowest = max(slowest, last.duration(to: .now))
      #expect(slowest > .seconds(1), "ended after \(answered) answers")
      if slowest <= .seconds(1) { return }
    }
    Issue.record("this machine answers nothing within a second")
  }

  @Test func aClientThatAnswersNothingIsEnded() throws {
    let server = try ServerUnderTest(
      limits: limits(pingMilliseconds: 50, silenceMilliseconds: 400))
    // A server that wakes so late that the silence is over before its first ping sends none.
    let isAsked = (0..<10).contains { _ in
      WebSocketProbe(server).frames { _ in false }.contains { $0.first == 0x89 }
    }
    #expect(isAsked)
    #expect(server.sockets.waits { $0.contains(where: isSilence) }, "\(server.sockets.all)")
  }

  @Test func aServiceThatAnswersNothingIsEnded() throws {
    let service = try WebSocketPeer()
    let client = try ClientUnderTest(
      limits: limits(pingMilliseconds: 50, silenceMilliseconds: 400))
    // As above.
    let isAsked = try (0..<10).contains { _ in
      client.open(port: service.port)
      let probe = try #require(service.accept())
      return probe.frames { _ in false }.contains { $0.first == 0x89 }
    }
    #expect(isAsked)
    #expect(client.record.waits { $0.contains(where: isSilence) }, "\(client.record.all)")
  }

  private func isSilence(_ line: String) -> Bool {
    line.hasPrefix("close 1006 us it was silent for ") && line.hasSuffix("answered no ping")
  }

  /// Who is not read cannot be heard: that is our doing.
  @Test func aPeerThatIsHeldIsNotGivenUp() throws {
    let server = try ServerUnderTest(
      limits: limits(pingMilliseconds: 50, silenceMilliseconds: 400))
    server.sockets.mayRead.store(false, ordering: .relaxed)
    let probe = WebSocketProbe(server, early: WebSocketProbe.frame(0x81, Array("hello".utf8)))
    #expect(server.sockets.waits(for: "text 5"))
    probe.send("later")
    pause(milliseconds: 1_000)
    server.sockets.mayRead.store(true, ordering: .relaxed)
    #expect(probe.frames { $0.first == 0x81 }.last?.text == "later")
  }
}
