import CWeb
import Synchronization
import Testing

@Suite("Web server, WebSockets")
struct WebSocketTests {
  @Test func anUpgradeIsAcceptedAndMessagesGoBothWays() throws {
    let server = try ServerUnderTest()
    let probe = WebSocketProbe(server, fields: "Authorization: Bearer k\r\n")
    #expect(probe.handshake.hasPrefix("HTTP/1.1 101 "))
    // RFC 6455, section 1.3: the answer to this very key.
    #expect(probe.handshake.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
    #expect(!probe.handshake.contains("Sec-WebSocket-Protocol"))
    for length in [0, 1, 125, 126, 127, 4_095, 4_096, 5_000, 65_535, 65_536, 300_000] {
      let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 & 0x7F) }
      probe.send(0x81, payload)
      #expect(probe.message() == payload, "\(length) bytes")
      probe.send(0x82, payload)
      #expect(probe.message() == payload, "\(length) bytes")
    }
    #expect(server.sockets.all.prefix(2) == ["upgrade /ws", "authorization=Bearer k"])
  }

  @Test func whatIsSentWithinTheUpgradeArrives() throws {
    let server = try ServerUnderTest()
    let probe = WebSocketProbe(server, path: "/greeted")
    #expect(probe.next()?.text == "hello")
  }

  @Test func whatIsClosedWithinTheUpgradeEndsThoughThePeerSaysNothing() throws {
    let server = try ServerUnderTest()
    let probe = WebSocketProbe(server, path: "/closed")
    #expect(probe.closeCode() == 4_002)
    #expect(server.sockets.waits(for: "close 4002 us not now"))
  }

  @Test func aFrameRightBehindTheRequestIsNotLost() throws {
    let server = try ServerUnderTest()
    let probe = WebSocketProbe(server, early: WebSocketProbe.frame(0x81, Array("early".utf8)))
    #expect(probe.next()?.text == "early")
    probe.send("later")
    #expect(probe.next()?.text == "later")
  }

  @Test func anUpgradeCanBeRefusedWithAStatus() throws {
    let server = try ServerUnderTest()
    let reply = server.exchange(WebSocketProbe.request(path: "/refused"))
    #expect(reply.hasPrefix("HTTP/1.1 401 "))
    #expect(reply.lowercased().contains("www-authenticate: bearer\r\n"))
    #expect(reply.hasSuffix("\r\n\r\n{\"error\":{}}"))
    #expect(server.sockets.all.isEmpty)
  }

  @Test func handshakesThatAreNoneGetAReason() throws {
    let server = try ServerUnderTest()
    let good = WebSocketProbe.request()
    let bad: [(String, String)] = [
      (WebSocketProbe.request(version: 12), "426"),
      (WebSocketProbe.request(key: "short"), "400"),
      (good.replacing("keep-alive, Upgrade", with: "keep-alive"), "400"),
      (WebSocketProbe.request("Sec-WebSocket-Protocol: chat\r\n"), "400"),
      (WebSocketProbe.request("Sec-WebSocket-Protocol: REALTIME\r\n"), "400"),
    ]
    for (text, status) in bad {
      let reply = server.exchange(text)
      #expect(reply.hasPrefix("HTTP/1.1 \(status) "), "\(reply)")
      #expect(reply.contains("\"error\""))
    }
    let refusals = [
      "bad_version", "bad_upgrade", "bad_upgrade", "bad_subprotocol", "bad_subprotocol",
    ].map { "refused \($0 == "bad_version" ? 426 : 400) \($0) 127.0.0.1" }
    #expect(server.sockets.waits { $0 == refusals })
    #expect(WebSocketProbe(server).handshake.hasPrefix("HTTP/1.1 101 "))
  }

  /// The keys of browsers go this way, and may be as long as a header field.
  @Test func subprotocolsOfAnyLengthAreRead() throws {
    let server = try ServerUnderTest()
    let key = { (count: Int) in
      "openai-insecure-api-key." + String(repeating: "k", count: count)
    }
    for list in ["realtime, \(key(93))", "\(key(39)),realtime", "realtime, \(key(10_000))"] {
      let probe = WebSocketProbe(server, fields: "Sec-WebSocket-Protocol: \(list)\r\n")
      #expect(probe.handshake.hasPrefix("HTTP/1.1 101 "), "\(list)")
      #expect(probe.handshake.contains("Sec-WebSocket-Protocol: realtime\r\n"), "\(list)")
    }
  }

  @Test func theKnownSubprotocolIsAgreedOn() throws {
    let server = try ServerUnderTest()
    let probe = WebSocketProbe(
      server, fields: "Sec-WebSocket-Protocol: other, realtime, key.ek_abc\r\n")
    #expect(probe.handshake.contains("Sec-WebSocket-Protocol: realtime\r\n"))
    probe.send("works")
    #expect(probe.next()?.text == "works")
  }

  @Test func fragmentsAreOneMessageAndPingsMayComeBetween() throws {
    let server = try ServerUnderTest()
    let probe = WebSocketProbe(server)
    probe.send(0x01, Array("one ".utf8))
    probe.send(0x89, [9])
    probe.send(0x00, Array("two ".utf8))
    probe.send(0x80, Array("three".utf8))
    var frames: [WebSocketProbe.Frame] = []
    while frames.count < 2, let frame = probe.next() { frames.append(frame) }
    #expect(frames.contains { $0.first == 0x8A && $0.payload == [9] })
    #expect(frames.contains { $0.first == 0x81 && $0.text == "one two three" })
  }

  @Test func eitherSideCloses() throws {
    let server = try ServerUnderTest()
    let first = WebSocketProbe(server)
    first.send("close")
    #expect(first.closeCode() == 4_001)
    first.send(0x88, [0x0F, 0xA1])
    #expect(server.sockets.waits(for: "close 4001 us as you wish"))
    let second = WebSocketProbe(server)
    second.send(0x88, [0x03, 0xE8] + Array("bye".utf8))
    #expect(second.closeCode() == 1_000)
    #expect(server.sockets.waits(for: "close 1000 peer bye"))
  }

  @Test func aPeerThatVanishesIsNoticed() throws {
    let server = try ServerUnderTest()
    do { _ = WebSocketProbe(server) }
    #expect(server.sockets.waits(for: "close 1006 us "))
  }

  @Test func anIdleSocketOutlivesTheTimeOfARequest() throws {
    let server = try ServerUnderTest(timeoutSeconds: 1)
    // A client that stalls in the middle of its request is given up.
    let probes = (0..<20).lazy.map { _ in WebSocketProbe(server) }
    let probe = try #require(probes.first { $0.handshake.hasPrefix("HTTP/1.1 101 ") })
    pause(milliseconds: 2_500)
    probe.send("still here")
    #expect(probe.message() == Array("still here".utf8))
  }
}

@Suite("Web server, bounds of WebSockets")
struct WebSocketBoundsTests {
  private func limits(_ change: (inout ws_limits) -> Void) -> ws_limits {
    var limits = ws_limits()
    change(&limits)
    return limits
  }

  @Test func aMessageBeyondTheBoundEndsTheSocket() throws {
    let server = try ServerUnderTest(limits: limits { $0.message_bytes_max = 10_000 })
    let just = WebSocketProbe(server)
    let payload = [UInt8](repeating: 0x61, count: 10_000)
    just.send(0x81, payload)
    #expect(just.message() == payload)
    just.send(0x01, payload)
    just.send(0x80, [0x61])
    #expect(just.closeCode() == 1_009)
    // The header alone is enough.
    let announced = WebSocketProbe(server)
    announced.http.send(WebSocketProbe.header(0x82, length: 1 << 40) + [0, 0, 0, 0, 1])
    #expect(announced.closeCode() == 1_009)
    // The server notes the end after it has told of it.
    let end = "close 1009 us the message is too long"
    #expect(server.sockets.waits { $0.count { $0 == end } == 2 })
  }

  @Test func textThatIsNoneEndsTheSocket() throws {
    let server = try ServerUnderTest()
    let bad: [[UInt8]] = [
      [0xFF], [0xC0, 0x80], [0xC1, 0xBF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
      [0xE2, 0x82], [0x80], [0xF5, 0x80, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF],
      Array("12345678901234567".utf8) + [0xE2, 0x28, 0xA1],
    ]
    for bytes in bad {
      let probe = WebSocketProbe(server)
      probe.send(0x81, bytes)
      #expect(probe.closeCode() == 1_007, "\(bytes)")
    }
    let probe = WebSocketProbe(server)
    let good = Array("Grüße, 你好, 🐦 \u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}".utf8)
    // A character may be cut between two fragments.
    for cut in 0...good.count {
      probe.send(0x01, Array(good[..<cut]))
      probe.send(0x80, Array(good[cut...]))
      #expect(probe.message() == good)
    }
  }

  @Test func aFullQueueSaysSo() throws {
    let server = try ServerUnderTest(limits: limits { $0.queue_bytes_max = 100_000 })
    let probe = WebSocketProbe(server)
    probe.send("fill")
    #expect(server.sockets.waits { $0.contains { $0.hasPrefix("taken") } })
    let taken = server.sockets.all.compactMap { Int($0.split(separator: " ").last ?? "") }.last ?? 0
    #expect((80...100).contains(taken), "\(taken)")
    for _ in 0..<taken { #expect(probe.message()?.count == 1_000) }
  }

  @Test func socketsBeyondTheBoundAreRefused() throws {
    let server = try ServerUnderTest(connectionsMax: 8)
    let held = (0..<4).map { _ in WebSocketProbe(server) }
    #expect(held.allSatisfy { $0.handshake.hasPrefix("HTTP/1.1 101 ") })
    #expect(server.exchange(WebSocketProbe.request()).hasPrefix("HTTP/1.1 503 "))
    // Plain requests have room left.
    #expect(server.exchange("GET /x HTTP/1.1\r\nHost: h\r\n\r\n").contains("path=/x "))
  }

  @Test func aFastPeerWaitsAndNothingIsLost() throws {
    let server = try ServerUnderTest(
      limits: limits {
        $0.rate_bytes = 400_000
        $0.burst_bytes = 20_000
      })
    let probe = WebSocketProbe(server)
    let payload = [UInt8](repeating: 0x61, count: 1_000)
    for _ in 0..<200 { probe.send(0x81, payload) }
    for _ in 0..<200 { #expect(probe.message() == payload) }
    // Another is not held up by it.
    let other = WebSocketProbe(server)
    other.send("hi")
    #expect(other.message() == Array("hi".utf8))
  }

  @Test func readingStopsWhenTheOwnerSaysSo() throws {
    let server = try ServerUnderTest()
    server.sockets.mayRead.store(false, ordering: .relaxed)
    let probe = WebSocketProbe(server)
    probe.send("quiet")
    for _ in 0..<50 { probe.send(0x81, [UInt8](repeating: 0x61, count: 4_000)) }
    #expect(server.sockets.waits { $0.contains { $0.hasPrefix("text") } })
    server.sockets.mayRead.store(true, ordering: .relaxed)
    for _ in 0..<50 { #expect(probe.message()?.count == 4_000) }
  }

  @Test func framesThatAreNoneHarmNobody() throws {
    let server = try ServerUnderTest()
    let junk: [[UInt8]] = [
      [0x83, 0x80, 0, 0, 0, 0], [0x8B, 0x80, 0, 0, 0, 0], [0xF1, 0x80, 0, 0, 0, 0],
      [0x80, 0x80, 0, 0, 0, 0], [0x09, 0x80, 0, 0, 0, 0], [0x89, 0xFE, 0, 200, 0, 0, 0, 0],
      [0x81, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0],
      [0x88, 0x81, 0, 0, 0, 0, 3], [0x81, 0x05, 0x68, 0x65, 0x6C, 0x6C, 0x6F],
      Array("GET / HTTP/1.1\r\nHost: h\r\n\r\n".utf8),
      [0x81, 0xFE, 0x00, 0x00, 0, 0, 0, 0], [0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ]
    for bytes in junk {
      let probe = WebSocketProbe(server)
      #expect(probe.handshake.hasPrefix("HTTP/1.1 101 "))
      probe.http.send(bytes)
      probe.http.send(bytes)
    }
    // Every cut of a good frame, each left behind unfinished.
    let frame = WebSocketProbe.frame(0x81, Array("hello".utf8))
    for length in 0...frame.count {
      WebSocketProbe(server, early: Array(frame[..<length])).http.send(Array(frame[..<length]))
    }
    let probe = WebSocketProbe(server)
    probe.send("alive")
    #expect(probe.message() == Array("alive".utf8))
  }
}
