import CWeb
import Glibc
import Testing

@Suite("Web client, over real sockets")
struct WebClientTests {
  @Test func aSocketOpensAndMessagesGoBothWays() throws {
    let server = try ServerUnderTest()
    let client = try ClientUnderTest()
    client.open(
      port: server.port, path: "/greeted?model=m", fields: [("Authorization", "Bearer secret")])
    #expect(client.record.waits(for: "open"))
    #expect(client.record.waits(for: "text 5"))
    #expect(server.sockets.all == ["upgrade /greeted", "authorization=Bearer secret"])
  }

  @Test func messagesOfAnyLengthArriveWhole() throws {
    let server = try ServerUnderTest()
    let client = try ClientUnderTest(limits: sized(queue: 8 << 20, message: 4 << 20))
    // The server sends each message back, and so does the client: what both have seen is whole.
    let lengths = [0, 1, 126, 65_536, 200_000, 900_000]
    client.open(
      port: server.port, first: lengths.map { [UInt8](repeating: 0x61, count: $0) })
    for length in lengths { #expect(client.record.waits(for: "text \(length)"), "\(length)") }
  }

  private func sized(queue: Int, message: Int) -> ws_limits {
    var limits = ws_limits()
    limits.queue_bytes_max = queue
    limits.message_bytes_max = message
    return limits
  }

  @Test func whatIsSentBeforeTheUpgradeWaits() throws {
    let server = try ServerUnderTest()
    let client = try ClientUnderTest()
    client.open(port: server.port, first: [Array("quiet".utf8), Array("close".utf8)])
    #expect(server.sockets.waits(for: "text 5"))
    #expect(client.record.waits(for: "close 4001 peer as you wish"))
  }

  @Test func anOfferedSubprotocolIsTaken() throws {
    let server = try ServerUnderTest()
    let client = try ClientUnderTest()
    client.open(port: server.port, path: "/greeted", protocols: "realtime")
    #expect(client.record.waits(for: "text 5"))
  }

  @Test func aRefusalTellsItsStatus() throws {
    let server = try ServerUnderTest()
    let client = try ClientUnderTest()
    client.open(port: server.port, path: "/refused")
    #expect(client.record.waits(for: "status 401"))
    #expect(client.record.all.first?.hasPrefix("close 1006 us ") == true)
  }

  @Test func nobodyThereIsAnEnd() throws {
    let client = try ClientUnderTest()
    client.open(port: 1)
    #expect(client.record.waits { !$0.isEmpty })
    #expect(client.record.all.first.map { !$0.hasPrefix("open") } == true)
  }

  @Test func aRedirectIsNotFollowed() throws {
    let target = try ServerUnderTest()
    let server = FixedReplyServer(
      "HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:\(target.port)/ws\r\n"
        + "Content-Length: 0\r\n\r\n")
    let client = try ClientUnderTest()
    client.open(port: server.port, fields: [("Authorization", "Bearer secret")])
    #expect(client.record.waits(for: "status 302"))
    #expect(target.sockets.all.isEmpty)
    #expect(server.seen.first?.contains("Bearer secret") == true)
  }

  @Test func theProxyOfTheEnvironmentIsNotUsed() async {
    // A process of its own, because the environment belongs to all threads.
    await #expect(processExitsWith: .success) {
      let proxy = FixedReplyServer("HTTP/1.1 200 OK\r\n\r\n")
      unsafe setenv("http_proxy", "http://127.0.0.1:\(proxy.port)", 1)
      let server = try ServerUnderTest()
      let client = try ClientUnderTest()
      client.open(port: server.port, path: "/greeted")
      #expect(client.record.waits(for: "text 5"))
      #expect(proxy.seen.isEmpty)
    }
  }

  @Test(arguments: [
    "HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nhello", "garbage", "",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      + "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
    "HTTP/1.1 500 Oops\r\nContent-Length: 99999999999999999999\r\n\r\n",
    String(repeating: "a: b\r\n", count: 10_000),
  ])
  func serversThatAreNoneEndTheSocket(reply: String) throws {
    let server = FixedReplyServer(reply)
    let client = try ClientUnderTest()
    client.open(port: server.port)
    #expect(client.record.waits { !$0.isEmpty })
    #expect(client.record.all.first?.hasPrefix("close") == true)
    #expect(!client.record.all.contains("open"))
  }

  @Test func aServerThatSaysNothingIsGivenUp() throws {
    // It takes connections into its backlog and never speaks.
    let silent = Listener()
    defer { withExtendedLifetime(silent) {} }
    let client = try ClientUnderTest(timeoutSeconds: 1)
    client.open(port: silent.port)
    #expect(client.record.waits { !$0.isEmpty })
    #expect(client.record.all.first?.hasPrefix("close 1006") == true)
  }

  @Test func aHeaderFieldCannotBeSplit() throws {
    let server = try ServerUnderTest()
    let client = try ClientUnderTest()
    client.open(port: server.port, fields: [("X", "a\r\nY: b")])
    #expect(client.record.waits(for: "not opened: a header field that cannot be sent"))
  }

  @Test func aStreamCarriesBytes() throws {
    let server = FixedReplyServer("pong")
    let client = try ClientUnderTest()
    client.open(port: server.port, isStream: true, first: [Array("ping".utf8)])
    #expect(client.record.waits(for: "open"))
    #expect(client.record.waits(for: "binary 4"))
    #expect(client.record.waits { $0.contains { $0.hasPrefix("close 1006") } })
    #expect(server.seen == ["ping"])
  }

  @Test func aMessageBeyondTheBoundEndsTheSocket() throws {
    let server = try ServerUnderTest()
    var limits = ws_limits()
    limits.message_bytes_max = 1_000
    let client = try ClientUnderTest(limits: limits)
    client.open(port: server.port, first: [[UInt8](repeating: 0x61, count: 1_001)])
    #expect(client.record.waits(for: "close 1009 us the message is too long"))
    #expect(server.sockets.waits { $0.contains { $0.hasPrefix("close 1009 peer") } })
  }
}
