import ServiceClient
import Testing

@Suite("Service endpoints")
struct ServiceEndpointTests {
  @Test func urlsAreRead() throws {
    let plain = try ServiceEndpoint("ws://127.0.0.1:9000/v1/realtime?model=m&x=1")
    #expect(plain.scheme == .ws)
    #expect(plain.host == "127.0.0.1")
    #expect(plain.port == 9_000)
    #expect(plain.path == "/v1/realtime?model=m&x=1")
    let secure = try ServiceEndpoint("WSS://api.example.com")
    #expect(secure.scheme == .wss)
    #expect(secure.port == 443)
    #expect(secure.path == "/")
    #expect(try ServiceEndpoint("ws://h?a=b").path == "/?a=b")
    let six = try ServiceEndpoint("tcp://[::1]:9019")
    #expect(six.host == "::1")
    #expect(six.port == 9_019)
    #expect(six.path == "")
  }

  @Test(arguments: [
    "", "ws", "ws:", "ws:/h", "http://h", "https://h/", "file:///etc/passwd", "ws://", "ws:///x",
    "ws://user:secret@h/", "ws://h:0/", "ws://h:65536/", "ws://h:x/", "ws://h:/", "ws://h:+1/",
    "tcp://h", "tcp://h:1/x", "tcp://h:1?x", "ws://h/#x", "ws://[::1/", "ws://[::1]x/",
    "wss://[::1]/", "ws://h h/", "ws://h/\r\nX: y", "ws://hö/", "ws://h:1:2/", "ws://[g]/",
    "ws://h/ x", " ws://h/",
  ])
  func whatIsNoneIsRefused(url: String) {
    #expect(throws: ServiceEndpoint.Defect.self) { try ServiceEndpoint(url) }
  }

  @Test func everyCutOfAUrlIsReadOrRefused() throws {
    let url = "wss://api.example.com:8443/v1/realtime?model=gpt#x"
    for length in 0...url.count {
      _ = try? ServiceEndpoint(String(url.prefix(length)))
      _ = try? ServiceEndpoint(String(url.suffix(length)))
    }
  }

  @Test func theModelIsAskedForOnce() throws {
    let bare = try ServiceEndpoint("ws://h/v1/realtime")
    #expect(bare.asking(for: "").path == "/v1/realtime")
    #expect(bare.asking(for: "a b/ö&x").path == "/v1/realtime?model=a%20b%2F%C3%B6%26x")
    #expect(try ServiceEndpoint("ws://h/?a=1").asking(for: "m").path == "/?a=1&model=m")
    #expect(try ServiceEndpoint("ws://h/?").asking(for: "m").path == "/?model=m")
    #expect(try ServiceEndpoint("ws://h/?model=x").asking(for: "m").path == "/?model=x")
    #expect(try ServiceEndpoint("tcp://h:1").asking(for: "m").path == "")
  }

  @Test func whatLogsShowHasNoQuery() throws {
    let endpoint = try ServiceEndpoint("wss://h:8443/v1?token=secret")
    #expect("\(endpoint)" == "wss://h:8443/v1")
  }

  @Test func keysAreNeverShown() throws {
    let key = try #require(ServiceKey("sk-very-secret"))
    var options = ServiceOptions(try ServiceEndpoint("ws://h/"))
    options.key = key
    var dumped = ""
    dump(options, to: &dumped)
    for text in ["\(key)", "\(options)", String(reflecting: options), dumped] {
      #expect(!text.contains("very-secret"), "\(text)")
    }
    for bad in ["", "a b", "a\nb", "ä", "a\u{7F}"] { #expect(ServiceKey(bad) == nil) }
  }
}
