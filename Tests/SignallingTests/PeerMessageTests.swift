import Signalling
import Testing
import Token

@Suite("Signalling: what transceivers say to each other")
struct PeerMessageTests {
  private static func forward() throws -> (Forward, ApiRequest) {
    let owner = Desk(node: 7)
    let id = try #require(owner.plan("/whip")).callID.text
    let request = ApiRequest(
      method: "PATCH", path: "/whip/\(id)",
      headers: [
        ("authorization", "Bearer k"), ("if-match", "\"x\""), ("content-type", "a/b"),
        ("user-agent", "me"), ("host", "front"), ("x-forwarded-for", "1.2.3.4"),
      ], body: Array("body".utf8))
    let other = Desk(node: 8) { $0.peers = [7] }
    let outcome = other.ask(
      "PATCH", request.path, headers: request.headers, bytes: request.body)
    guard case .forward(let forward) = outcome else {
      throw Secret.Refused(status: outcome.response.status, text: Desk.text(outcome))
    }
    return (forward, request)
  }

  @Test func aRequestGoesOnWithWhatItsOwnerNeeds() throws {
    let (forward, request) = try Self.forward()
    let bytes = forward.bytes(of: request, authority: "10.0.0.6:8080")
    #expect(
      String(decoding: bytes, as: UTF8.self) == """
        PATCH \(request.path) HTTP/1.1\r
        Host: 10.0.0.6:8080\r
        content-type: a/b\r
        if-match: "x"\r
        \(forward.header.name): \(forward.header.value)\r
        Connection: close\r
        Content-Length: 4\r
        \r
        body
        """)
  }

  @Test func nothingSplitsARequest() throws {
    var (forward, request) = try Self.forward()
    request.headers = [("content-type", "a/b\r\nEvil: 1"), ("if-match", "a\nb")]
    request.path = "/whip/a b\r\nEvil: 1"
    let text = String(
      decoding: forward.bytes(of: request, authority: "h"), as: UTF8.self)
    #expect(!text.contains("Evil: 1"))
    #expect(text.hasPrefix("PATCH /whip/a%20b%0D%0AEvil%3A%201 HTTP/1.1\r\n"))
    let sideband = ApiRequest(
      method: "GET", path: "/v1/realtime", query: ["call_id=rtc_é&x", "model=m"])
    #expect(Forward.target(sideband) == "/v1/realtime?call_id=rtc_%C3%A9%26x")
  }

  /// The owner's body is left out by who answers the client; its length is told.
  @Test func headAsksTheOwnerForTheBody() throws {
    var (forward, request) = try Self.forward()
    request.method = "HEAD"
    request.body = []
    let text = String(decoding: forward.bytes(of: request, authority: "h"), as: UTF8.self)
    #expect(text.hasPrefix("GET \(request.path) HTTP/1.1\r\n"))
    #expect(!text.contains("content-type"))
  }

  private static let answer = """
    HTTP/1.1 204 No Content\r
    server: martlet\r
    ETag:  "x"\r
    Access-Control-Allow-Origin: *\r
    content-length: 2\r
    Connection: close\r
    \r
    hi
    """

  @Test func anAnswerComesBack() throws {
    let response = try #require(ApiResponse(forwarded: Array(Self.answer.utf8)))
    #expect(response.status == 204)
    #expect(response.headers.map(\.name) == ["ETag", "Access-Control-Allow-Origin"])
    #expect(response.header("etag") == response.header("ETag"))
    #expect(response.header("ETag") == "\"x\"")
    #expect(response.body == Array("hi".utf8))
  }

  @Test func aBrokenAnswerIsNone() {
    let whole = Array(Self.answer.utf8)
    for length in 0..<whole.count {
      #expect(ApiResponse(forwarded: Array(whole[..<length])) == nil, "\(length)")
    }
    for text in [
      "HTTP/2 200\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 999 X\r\n\r\n",
      "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 200 OK\r\n: x\r\n\r\n",
      "HTTP/1.1 200 OK\r\nA: b\nEvil: 1\r\n\r\n", "\r\n\r\n",
    ] {
      #expect(ApiResponse(forwarded: Array(text.utf8)) == nil, "\(text)")
    }
    let huge =
      Array("HTTP/1.1 200 OK\r\n\r\n".utf8)
      + [UInt8](repeating: 0, count: ApiResponse.forwardedBytesMax)
    #expect(ApiResponse(forwarded: huge) == nil)
  }
}
