import CWeb
import Glibc
import Testing

@Suite("Web server, over real sockets")
struct WebServerTests {
  @Test func aGetIsAnsweredWithWhatTheHandlerSays() throws {
    let server = try ServerUnderTest()
    let reply = server.exchange(
      "GET /a%20b?x=1&status=203&z=%2F HTTP/1.1\r\nHost: h\r\nIf-Match: \"e\"\r\n"
        + "Martlet-Hop: 1.2\r\nOrigin: http://h\r\nConnection: close\r\n\r\n")
    #expect(reply.hasPrefix("HTTP/1.1 203 "))
    #expect(reply.contains("\"martlet-hop=1.2\""))
    #expect(reply.contains("\"origin=http://h\"") && reply.contains("\"host=h\""))
    #expect(reply.contains("method=GET path=/a b query=[\"x=1\", \"status=203\", \"z=/\"]"))
    #expect(reply.contains("\"if-match=\\\"e\\\"\""))
    #expect(reply.contains("peer=127.0.0.1"))
    #expect(reply.lowercased().contains("location: /calls/1\r\n"))
  }

  @Test func aBodyArrivesWholeHoweverItIsCut() throws {
    let server = try ServerUnderTest()
    let body = String(repeating: "v=0 ", count: 500)
    for cut in [0, 1, 999, 1999] {
      let probe = server.connect()
      probe.send(
        "POST /calls HTTP/1.1\r\nHost: h\r\nContent-Type: application/sdp\r\n"
          + "Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n")
      probe.send(String(body.prefix(cut)))
      probe.send(String(body.dropFirst(cut)))
      let reply = probe.readToEnd()
      #expect(reply.hasPrefix("HTTP/1.1 200 "))
      #expect(reply.hasSuffix("body=\(body)"))
      #expect(reply.contains("content-type=application/sdp"))
    }
  }

  @Test(arguments: ["POST", "DELETE", "OPTIONS", "PATCH", "PUT"])
  func methodsWithoutBodyAreAnswered(method: String) throws {
    let server = try ServerUnderTest()
    for length in ["", "Content-Length: 0\r\n"] {
      let reply = server.exchange("\(method) /calls/1/hangup HTTP/1.1\r\nHost: h\r\n\(length)\r\n")
      #expect(reply.hasPrefix("HTTP/1.1 200 "), "\(method) \(length) -> \(reply)")
      #expect(reply.contains("method=\(method) path=/calls/1/hangup"))
    }
  }

  @Test func headHasTheLengthButNoBody() throws {
    let server = try ServerUnderTest()
    let reply = server.exchange("HEAD /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    #expect(reply.hasPrefix("HTTP/1.1 200 "))
    #expect(reply.lowercased().contains("content-length: 100000\r\n"))
    #expect(reply.hasSuffix("\r\n\r\n"))
  }

  @Test func aLargeReplyComesWhole() throws {
    let server = try ServerUnderTest()
    let probe = server.connect()
    probe.send("GET /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    let all = probe.readAllBytes()
    #expect(Array(all.suffix(100_000)) == ServerUnderTest.largeBody)
  }

  @Test func repliesWithoutBodyEnd() throws {
    let server = try ServerUnderTest()
    for status in [204, 304] {
      let reply = server.exchange(
        "GET /?status=\(status) HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
      #expect(reply.hasPrefix("HTTP/1.1 \(status)"))
      #expect(reply.hasSuffix("\r\n\r\n"))
    }
  }

  @Test(arguments: ["GET /later HTTP/1.1\r\n", "POST /later HTTP/1.1\r\nContent-Length: 2\r\n"])
  func aReplyMayComeLater(request: String) throws {
    let server = try ServerUnderTest(timeoutSeconds: 60)
    let probe = server.connect()
    probe.send(request + "Host: h\r\n\r\n" + (request.hasPrefix("POST") ? "hi" : ""))
    #expect(server.sockets.waits(for: "later"))
    // Others are served in the meantime.
    #expect(server.exchange("GET /x HTTP/1.1\r\nHost: h\r\n\r\n").hasPrefix("HTTP/1.1 200"))
    #expect(server.exchange("GET /now HTTP/1.1\r\nHost: h\r\n\r\n").hasPrefix("HTTP/1.1 200"))
    let reply = probe.read(until: "\r\n\r\nlate")
    #expect(reply.hasPrefix("HTTP/1.1 202"))
    #expect(reply.contains("X-Late: yes\r\n") && reply.hasSuffix("\r\n\r\nlate"))
    // It is there once.
    #expect(server.exchange("GET /now HTTP/1.1\r\nHost: h\r\n\r\n").hasPrefix("HTTP/1.1 410"))
  }

  /// The client goes, or is not answered in time: the reply has nowhere to go, and nothing is kept.
  @Test(arguments: [true, false])
  func aReplyForNobodyIsNone(leaves: Bool) throws {
    let server = try ServerUnderTest(timeoutSeconds: leaves ? 60 : 1)
    var probe: HttpProbe?
    // One that this machine keeps from asking within a second is cut off before.
    let isPutOff = (0..<20).contains { _ in
      probe = server.connect()
      probe?.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n")
      return server.sockets.waits(for: "later", seconds: 2)
    }
    #expect(isPutOff)
    if leaves { probe = nil } else { #expect(probe?.readToEnd() == "") }
    var reply = ""
    for _ in 0..<200 where !reply.hasPrefix("HTTP/1.1 410") {
      reply = server.exchange("GET /now HTTP/1.1\r\nHost: h\r\n\r\n")
      if reply.hasPrefix("HTTP/1.1 200") { break }
    }
    // A server that had not yet seen the client go has answered into the void; that is no harm.
    #expect(reply.hasPrefix("HTTP/1.1 410") || (leaves && reply.hasPrefix("HTTP/1.1 200")))
    #expect(server.stillServes)
  }

  @Test func aHandlerThatSaysNothingIsAServerError() throws {
    let server = try ServerUnderTest()
    let reply = server.exchange("GET /silent HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    #expect(reply.hasPrefix("HTTP/1.1 500 "))
  }

  @Test func aFieldCannotSplitTheReply() throws {
    let server = try ServerUnderTest()
    let reply = server.exchange("GET /split HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    #expect(reply.hasPrefix("HTTP/1.1 500 "))
    #expect(!reply.lowercased().contains("set-cookie"))
  }
}

@Suite("Web server, bounds")
struct WebServerBoundsTests {
  @Test func bodiesBeyondTheBoundAreRefused() throws {
    let server = try ServerUnderTest(bodyBytesMax: 100)
    let just = String(repeating: "x", count: 100)
    #expect(
      server.exchange(
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\nConnection: close\r\n\r\n\(just)"
      ).hasPrefix("HTTP/1.1 200 "))
    for length in ["101", "9999999999999999999999"] {
      let reply = server.exchange("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \(length)\r\n\r\n")
      #expect(reply.hasPrefix("HTTP/1.1 413 ") || reply.hasPrefix("HTTP/1.1 400 "), "\(reply)")
      #expect(reply.contains("\"error\""))
    }
    #expect(server.sockets.waits(for: "refused 413 body_too_large 127.0.0.1"))
  }

  @Test func lengthsThatAreNotOneAreRefused() throws {
    let server = try ServerUnderTest()
    for field in ["Content-Length: -5", "Content-Length: 5x"] {
      let reply = server.exchange("POST / HTTP/1.1\r\nHost: h\r\n\(field)\r\n\r\n")
      #expect(reply.hasPrefix("HTTP/1.1 400 "), "\(field) -> \(reply)")
    }
    let refusal = "refused 400 bad_length 127.0.0.1"
    #expect(server.sockets.waits { $0 == [refusal, refusal] })
    #expect(server.stillServes)
  }

  @Test func aSlowClientIsCutOff() throws {
    let server = try ServerUnderTest(timeoutSeconds: 1)
    let silent = server.connect()
    let inHeader = server.connect()
    inHeader.send("GET / HTTP/1.1\r\nHost:")
    // Each read ends when the server closes; the probe's own deadline would fail the connection
    // check below by keeping the descriptor open.
    for probe in [silent, inHeader] { #expect(!probe.readToEnd().contains(" 200 ")) }
    // One whose request had begun is noted. A machine that keeps the test from sending within that
    // second makes it one of the others; then another tries.
    let isNoted = (0..<20).contains { _ in
      let inBody = server.connect()
      inBody.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nabc")
      #expect(!inBody.readToEnd().contains(" 200 "))
      #expect(!inBody.send("late") || inBody.read() == nil)
      return server.sockets.waits(for: "refused 408 request_timeout 127.0.0.1", seconds: 2)
    }
    #expect(isNoted)
    #expect(server.stillServes)
  }

  @Test func aTrickleOfBodyBytesDoesNotHoldAConnection() throws {
    let server = try ServerUnderTest(timeoutSeconds: 1)
    let probe = server.connect()
    probe.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4000\r\n\r\n")
    var sent = 0
    while sent < 3_000, probe.send("x") {
      usleep(20_000)
      sent += 1
    }
    #expect(sent < 3_000, "a minute of one byte each 20 ms was accepted")
  }

  @Test func connectionsBeyondTheBoundAreClosed() throws {
    let server = try ServerUnderTest(connectionsMax: 4)
    var held: [HttpProbe] = []
    for _ in 0..<4 {
      let probe = server.connect()
      // A request that is not whole yet holds its connection.
      probe.send(
        "POST /held HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
      #expect(probe.read(until: "Continue").contains("100"))
      held.append(probe)
    }
    let extra = server.connect()
    extra.send("GET /extra HTTP/1.1\r\nHost: h\r\n\r\n")
    #expect(!extra.readToEnd().contains("path=/extra"))
    #expect(server.sockets.waits(for: "refused 503 too_many_connections "))
    held.removeAll()
    #expect(server.stillServes)
  }

  @Test func idleConnectionsKeepNobodyOut() throws {
    let server = try ServerUnderTest(connectionsMax: 64, timeoutSeconds: 600)
    // Somebody else is in the middle of a request, and a third has a WebSocket.
    let other = server.connect(from: 2)
    other.send(
      "POST /held HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    #expect(other.read(until: "Continue").contains("100"))
    let socket = WebSocketProbe(server)
    var idle: [HttpProbe] = []
    for _ in 0..<10 {
      for _ in 0..<20 { idle.append(server.connect()) }
      let reply = server.exchange("GET /alive HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
      #expect(reply.contains("path=/alive"), "\(idle.count) idle ones")
    }
    other.send("hello")
    #expect(other.read(until: "body=").hasSuffix("body=hello"))
    socket.send("here")
    #expect(socket.message() == Array("here".utf8))
  }

  @Test func junkAndUpgradesDoNotDisturb() throws {
    let server = try ServerUnderTest()
    let junk = [
      "\u{16}\u{3}\u{1}\u{2}", "GET\r\n\r\n", "BREW / HTTP/1.1\r\n\r\n", "GET  HTTP/1.1\r\n\r\n",
      "GET /../../etc/passwd HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "GET /" + String(repeating: "a", count: 20_000) + " HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nX: " + String(repeating: "a", count: 20_000) + "\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    ]
    for text in junk {
      let reply = server.exchange(text)
      #expect(!reply.hasPrefix("HTTP/1.1 101"), "\(text.prefix(40))")
      #expect(!reply.contains("root:"))
    }
    #expect(server.stillServes)
  }
}

@Suite("Web server, life")
struct WebServerLifeTests {
  @Test func aTakenPortIsNamed() throws {
    let server = try ServerUnderTest()
    let error = #expect(throws: ServerUnderTest.Failure.self) {
      _ = try unsafe ServerUnderTest.make(port: server.port)
    }
    #expect(error?.number == EADDRINUSE)
    #expect(
      error?.text == "cannot listen on 127.0.0.1:\(server.port): Address already in use")
  }

  @Test func anAddressThatIsNoneIsNamed() {
    let error = #expect(throws: ServerUnderTest.Failure.self) {
      _ = try unsafe ServerUnderTest.make(address: "localhost", port: 0)
    }
    #expect(error?.text == "localhost is not an IP address")
  }

  @Test(arguments: ["127.0.0.1", "0.0.0.0", "::1", "::"])
  func everyKindOfAddressListens(address: String) throws {
    let server = try unsafe ServerUnderTest.make(address: address, port: 0)
    #expect(unsafe ws_server_port(server) != 0)
    // Stopped before it runs: the run must return at once.
    unsafe ws_server_stop(server)
    unsafe ws_server_run(server)
    unsafe ws_server_destroy(server)
  }

  /// As a child does that another thread starts, until it has become another program.
  @Test func aConnectionThatIsGoneStaysGoneWhoeverHoldsItsDescriptor() throws {
    let server = try ServerUnderTest()
    var copies: [Int32] = []
    defer { for copy in copies { close(copy) } }
    for _ in 0..<20 {
      let probe = server.connect()
      probe.send("GET /alive HTTP/1.1\r\nHost: h\r\n\r\n")
      _ = probe.read(until: "path=/alive")
      let wanted = (server.port, probe.port)
      let end = try #require((3..<20_000).first { HttpProbe.ports(of: $0) == wanted })
      copies.append(fcntl(end, F_DUPFD_CLOEXEC, 3))
    }
    pause(milliseconds: 200)
    for _ in 0..<20 { #expect(server.stillServes) }
  }

  @Test func thePortIsFreeAfterTheEnd() throws {
    // Another test may be given the port; not each of five.
    #expect(try (0..<5).contains { _ in try isFreeAfterTheEnd() })
  }

  private func isFreeAfterTheEnd() throws -> Bool {
    var port: UInt16 = 0
    do {
      let server = try ServerUnderTest()
      port = server.port
      _ = server.exchange("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    }
    guard let again = try? unsafe ServerUnderTest.make(port: port) else { return false }
    #expect(unsafe ws_server_port(again) == port)
    unsafe ws_server_destroy(again)
    return true
  }
}
