import Testing

@testable import Load

@Suite struct HttpOriginTests {
  @Test func readsHostPortAndPrefix() throws {
    let plain = try #require(HttpOrigin(url: "http://127.0.0.1:8080"))
    #expect(plain.host == "127.0.0.1")
    #expect(plain.port == "8080")
    #expect(plain.prefix == "")
    #expect(plain.authority == "127.0.0.1:8080")
    let prefixed = try #require(HttpOrigin(url: "http://example.com/voice/?x=1"))
    #expect(prefixed.port == "80")
    #expect(prefixed.prefix == "/voice")
    let ipv6 = try #require(HttpOrigin(url: "http://[::1]:81/"))
    #expect(ipv6.host == "::1")
    #expect(ipv6.authority == "[::1]:81")
  }

  @Test(arguments: [
    ("8080", "127.0.0.1:8080"), (":8080", "127.0.0.1:8080"), ("http://:81/", "127.0.0.1:81"),
    ("localhost:8080", "localhost:8080"), ("10.0.0.1:80/voice", "10.0.0.1:80"),
    ("[::1]:8080", "[::1]:8080"), ("voice.example", "voice.example:80"),
  ])
  func whatPeopleTypeForAnOriginIsRead(text: String, authority: String) {
    #expect(HttpOrigin(url: text)?.authority == authority)
  }

  @Test(arguments: [
    "", "http://", ":", ":x", ":0", "70000", "https://example.com", "http://a:b", "http://a:0",
    "http://a:99999", "http://a:1:2", "http://[::1", "http://[::1]x", "ftp://a",
  ])
  func anythingElseIsNoOrigin(url: String) {
    #expect(HttpOrigin(url: url) == nil)
  }
}

@Suite struct HttpReplyTests {
  private let whole = Array(
    ("HTTP/1.1 201 Created\r\nContent-Type: application/sdp\r\nLocation: /calls/1\r\n"
      + "Content-Length: 5\r\n\r\nv=0\r\n").utf8)

  @Test func readsStatusHeadersAndBody() throws {
    let reply = try HttpClient.parse(whole + Array("more".utf8))
    #expect(reply.status == 201)
    #expect(reply.headers["location"] == "/calls/1")
    #expect(reply.body == "v=0\r\n")
  }

  @Test func everyBeginningIsRefused() {
    for count in 0..<whole.count {
      #expect(throws: HttpFailure.self) { try HttpClient.parse(Array(whole.prefix(count))) }
    }
  }

  @Test(arguments: [
    "x\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 ok\r\n\r\n", "\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n",
  ])
  func whatIsNotHttpIsRefused(text: String) {
    #expect(throws: HttpFailure.self) { try HttpClient.parse(Array(text.utf8)) }
  }

  @Test func withoutLengthTheBodyGoesToTheEnd() throws {
    let reply = try HttpClient.parse(Array("HTTP/1.0 404 Not Found\r\n\r\ngone".utf8))
    #expect(reply.status == 404)
    #expect(reply.body == "gone")
  }

  @Test func nobodyAtThePortIsSaid() throws {
    // Port 1 of the loopback network is nobody's on any machine that tests run on.
    let client = HttpClient(origin: try #require(HttpOrigin(url: "http://127.0.0.1:1")))
    #expect {
      try client.post("/", contentType: "text/plain", body: "")
    } throws: { error in
      "\(error)" == "cannot connect to 127.0.0.1:1: Connection refused"
    }
  }
}
