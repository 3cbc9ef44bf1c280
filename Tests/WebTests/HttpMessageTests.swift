import RegexBuilder
import Testing

/// What clients, proxies and those who would smuggle a request send (RFC 9112).
@Suite("Web server, messages of HTTP/1.1")
struct HttpMessageTests {
  private static func post(_ fields: String, _ body: String, close: Bool = true) -> String {
    "POST /calls HTTP/1.1\r\nHost: h\r\n\(fields)\r\n"
      + (close ? "Connection: close\r\n" : "") + "\r\n\(body)"
  }

  private static func chunked(_ body: String, close: Bool = true) -> String {
    post("Transfer-Encoding: chunked", body, close: close)
  }

  // MARK: Chunks (section 7.1)

  @Test(arguments: [
    "5\r\nhello\r\n0\r\n\r\n", "1\r\nh\r\n4\r\nello\r\n0\r\n\r\n",
    "0005\r\nhello\r\n000\r\n\r\n", "5;a=b;c=\"d\"\r\nhello\r\n0;last\r\n\r\n",
    "5 \r\nhello\r\n0\r\n\r\n", "5 ; x\r\nhello\r\n0\r\n\r\n",
    "5\r\nhello\r\n0\r\nDigest: abc\r\nX-Y:\r\n\r\n",
  ])
  func chunksAreUndoneHoweverTheyAreCut(body: String) throws {
    let server = try ServerUnderTest()
    let request = Self.chunked(body)
    #expect(server.exchange(request).hasSuffix(" body=hello"))
    // Two pieces, cut at every place; then a byte at a time.
    let bytes = Array(request.utf8)
    for cut in stride(from: 1, to: bytes.count, by: 3) {
      let probe = server.connect()
      probe.send(Array(bytes[..<cut]))
      probe.send(Array(bytes[cut...]))
      #expect(probe.readToEnd().hasSuffix(" body=hello"), "cut at \(cut)")
    }
    let probe = server.connect()
    for byte in bytes { probe.send([byte]) }
    #expect(probe.readToEnd().hasSuffix(" body=hello"))
  }

  @Test func chunksHaveTheBoundOfLengths() throws {
    let server = try ServerUnderTest(bodyBytesMax: 100)
    let hundred = String(repeating: "x", count: 100)
    let inOnes = String(repeating: "1\r\nx\r\n", count: 100)
    for body in ["64\r\n\(hundred)\r\n", inOnes] {
      #expect(server.exchange(Self.chunked(body + "0\r\n\r\n")).hasSuffix(" body=\(hundred)"))
      let tooLong = server.exchange(Self.chunked(body + "1\r\nx\r\n0\r\n\r\n"))
      #expect(tooLong.hasPrefix("HTTP/1.1 413 "), "\(tooLong)")
    }
    // The size alone is enough, whatever number of bits it needs; and so is what is not data.
    let long = String(repeating: "e", count: 20_000)
    let trailers = String(repeating: "A: b\r\n", count: 5_000)
    for body in [
      "65\r\n", "FFFFFFFF\r\n", "10000000000000000\r\n", "fffffffffffffffffffff", "1;\(long)",
      "5\r\nhello\r\n0\r\n\(trailers)", "5\r\nhello\r\n0\r\nA: \(long)",
      String(repeating: "0", count: 20_000),
    ] {
      let reply = server.exchange(Self.chunked(body))
      #expect(reply.hasPrefix("HTTP/1.1 413 "), "\(body.prefix(30)) -> \(reply)")
      #expect(reply.contains("\"code\":\"body_too_large\""))
    }
  }

  @Test(arguments: [
    "x\r\n", "-5\r\n", "0x5\r\nhello\r\n", " 5\r\nhello\r\n", "5\nhello\n0\n\n", "\r\n",
    "5 5\r\nhello\r\n", "5;a\nb\r\nhello\r\n", "5\rhello", "5\r\nhello0\r\n\r\n",
    "5\r\nhello\r0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhello\r\n0\r\n A: b\r\n\r\n",
    "5\r\nhello\r\n0\r\nA: b\nC: d\r\n\r\n", "5\r\nhello\r\n0\r\n\rX", "5;\u{1}\r\nhello\r\n",
  ])
  func chunksThatAreNoneAreRefused(body: String) throws {
    let server = try ServerUnderTest()
    let reply = server.exchange(Self.chunked(body, close: false) + "GET /next HTTP/1.1\r\n\r\n")
    #expect(reply.hasPrefix("HTTP/1.1 400 "), "\(reply)")
    #expect(reply.contains("\"code\":\"bad_chunks\"") && reply.contains("Connection: close\r\n"))
    #expect(!reply.contains("path=/next"))
    #expect(server.sockets.waits(for: "refused 400 bad_chunks 127.0.0.1"))
  }

  // MARK: What could be two requests (section 11.2)

  @Test(arguments: [
    ("Content-Length: 5\r\nTransfer-Encoding: chunked", 400, "bad_length"),
    ("Transfer-Encoding: chunked\r\nContent-Length: 5", 400, "bad_length"),
    ("Content-Length: 5\r\nContent-Length: 6", 400, "bad_length"),
    ("Content-Length: 5\r\nContent-Length: 5", 400, "bad_length"),
    ("Content-Length: 5, 5", 400, "bad_length"), ("Content-Length: +5", 400, "bad_length"),
    ("Content-Length: 99999999999999999999999", 400, "bad_length"),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400, "bad_length"),
    ("Transfer-Encoding: gzip, chunked", 501, "unknown_transfer_coding"),
    ("Transfer-Encoding: xchunked", 501, "unknown_transfer_coding"),
    ("Transfer-Encoding: identity", 501, "unknown_transfer_coding"),
    ("Transfer-Encoding: chunked;q=1", 501, "unknown_transfer_coding"),
    ("Content-Length : 5", 400, "bad_request"), ("Content Length: 5", 400, "bad_request"),
    ("Transfer-Encoding : chunked", 400, "bad_request"),
    ("X: y\r\n folded", 400, "bad_request"), ("X: y\r\n\tfolded", 400, "bad_request"),
    ("X: y\nContent-Length: 5", 400, "bad_request"), ("X: a\rb", 400, "bad_request"),
    ("X: a\u{0}b", 400, "bad_request"), ("X", 400, "bad_request"), (": y", 400, "bad_request"),
    ("Host: other", 400, "bad_host"), ("Expect: a-miracle", 417, "unknown_expectation"),
  ])
  func whatCouldBeReadInTwoWaysIsRefused(fields: String, status: Int, code: String) throws {
    let server = try ServerUnderTest()
    let reply = server.exchange(
      Self.post(fields, "hello", close: false) + "GET /next HTTP/1.1\r\nHost: h\r\n\r\n")
    #expect(reply.hasPrefix("HTTP/1.1 \(status) "), "\(reply)")
    #expect(reply.contains("{\"error\":{") && reply.contains("\"code\":\"\(code)\""), "\(reply)")
    #expect(reply.contains("Connection: close\r\n") && !reply.contains("path=/next"))
    #expect(server.sockets.waits(for: "refused \(status) \(code) 127.0.0.1"))
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.1\n\n", 400), ("GET\r\n\r\n", 501),
    ("GET /\r\n\r\n", 505), ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    ("GET /  HTTP/1.1\r\nHost: h\r\n\r\n", 400), ("GET / HTTP/1.1 \r\nHost: h\r\n\r\n", 505),
    ("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400), ("GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505),
    ("GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 501),
    ("BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 501), ("get / HTTP/1.1\r\nHost: h\r\n\r\n", 501),
    ("CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 501), ("\u{16}\u{3}\u{1}\u{2}", 400),
    ("GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400), ("GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    ("GET /%4 HTTP/1.1\r\nHost: h\r\n\r\n", 400), ("GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    ("GET /?a=%0 HTTP/1.1\r\nHost: h\r\n\r\n", 400), ("GET /#x HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    ("GET h/x HTTP/1.1\r\nHost: h\r\n\r\n", 400), ("GET /\u{E9} HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    ("GET ftp://h/x HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    ("GET http://u:p@h/x HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
  ])
  func requestLinesThatAreNoneAreRefused(text: String, status: Int) throws {
    let server = try ServerUnderTest()
    let reply = server.exchange(text)
    #expect(reply.hasPrefix("HTTP/1.1 \(status) "), "\(reply)")
    #expect(reply.contains("{\"error\":{") && !reply.contains(" path="))
    #expect(server.sockets.waits { $0.count == 1 && $0[0].hasPrefix("refused \(status) ") })
  }

  @Test func headsHaveABound() throws {
    let server = try ServerUnderTest()
    let request = { (target: Int, value: Int) in
      "GET /\(String(repeating: "a", count: target)) HTTP/1.1\r\nHost: h\r\n"
        + "User-Agent: \(String(repeating: "b", count: value))\r\nConnection: close\r\n\r\n"
    }
    let empty = request(0, 0).utf8.count
    for (target, value) in [(5_000, 0), (0, 5_000), (0, 16_384 - empty), (16_384 - empty, 0)] {
      #expect(server.exchange(request(target, value)).hasPrefix("HTTP/1.1 200 "))
    }
    #expect(server.exchange(request(0, 16_385 - empty)).hasPrefix("HTTP/1.1 431 "))
    #expect(server.exchange(request(16_385, 0)).hasPrefix("HTTP/1.1 414 "))
    let many = String(repeating: "A: b\r\n", count: 101)
    let reply = server.exchange("GET / HTTP/1.1\r\nHost: h\r\n\(many)\r\n")
    #expect(reply.hasPrefix("HTTP/1.1 431 ") && reply.contains("headers_too_large"))
  }

  // MARK: What is in order

  @Test(arguments: ["h2c", "h2c, foo/2", "TLS/1.0"])
  func upgradesThatAreUnknownAreLeftAlone(upgrade: String) throws {
    let server = try ServerUnderTest()
    let fields = "Upgrade: \(upgrade)\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"
    let connection = "Connection: Upgrade, HTTP2-Settings\r\n"
    for body in [
      "Content-Length: 5\r\n\(connection)\r\nhello",
      "Transfer-Encoding: chunked\r\n\(connection)\r\n5\r\nhello\r\n0\r\n\r\n",
    ] {
      let reply = server.exchange("POST /calls HTTP/1.1\r\nHost: h\r\n\(fields)\r\n\(body)")
      #expect(reply.hasPrefix("HTTP/1.1 200 ") && reply.hasSuffix("body=hello"), "\(reply)")
    }
    // A WebSocket is one of GET and of HTTP/1.1.
    let post = WebSocketProbe.request().replacing("GET", with: "POST")
    #expect(server.exchange(post).hasPrefix("HTTP/1.1 200 "))
    let old = WebSocketProbe.request().replacing("HTTP/1.1", with: "HTTP/1.0")
    #expect(server.exchange(old).hasPrefix("HTTP/1.1 200 "))
  }

  @Test func anAbsoluteTargetSaysTheHost() throws {
    let server = try ServerUnderTest()
    for (target, host, path) in [
      ("http://voice.example:80/v1/x?a=b", "voice.example:80", "/v1/x"),
      ("HTTPS://voice.example", "voice.example", "/"), ("http://[::1]:8080/", "[::1]:8080", "/"),
      ("http://h?a=b", "h", "/"),
    ] {
      let reply = server.exchange("GET \(target) HTTP/1.1\r\nHost: other\r\n\r\n")
      #expect(reply.contains("path=\(path) ") && reply.contains("\"host=\(host)\""), "\(reply)")
      #expect(!reply.contains("host=other"))
    }
    #expect(server.exchange("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").contains("OPTIONS path=/ "))
  }

  @Test func whatIsSaidTwiceIsAList() throws {
    let server = try ServerUnderTest()
    let reply = server.exchange(
      "GET //a///b/?x=1+2&&y HTTP/1.1\r\nHost: h\r\naccept: a \r\nACCEPT:\tb,c\r\n\r\n")
    #expect(reply.contains("path=/a/b/ query=[\"x=1 2\", \"y\"]"), "\(reply)")
    #expect(reply.contains("\"accept=a, b,c\""))
  }

  @Test func aConnectionTakesOneRequestAfterTheOther() throws {
    let server = try ServerUnderTest()
    let probe = server.connect()
    for turn in 1...20 {
      probe.send("POST /\(turn) HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")
      let reply = probe.read(until: "body=hi")
      #expect(reply.contains("path=/\(turn) ") && !reply.contains("Connection: close"))
    }
    probe.send("GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    #expect(probe.readToEnd().contains("path=/last "))
  }

  @Test func requestsSentTogetherAreAnsweredInOrder() throws {
    let server = try ServerUnderTest()
    let large = String(repeating: "z", count: 4_000)
    let requests = (0..<30).map { turn in
      switch turn % 4 {
      case 0: "GET /\(turn) HTTP/1.1\r\nHost: h\r\n\r\n"
      case 1: "POST /\(turn) HTTP/1.1\r\nHost: h\r\nContent-Length: 4000\r\n\r\n\(large)"
      case 2:
        "\r\nPOST /\(turn) HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
          + "FA0;x\r\n\(large)\r\n0\r\nT: r\r\n\r\n"
      default: "HEAD /\(turn) HTTP/1.1\r\nHost: h\r\n\r\n"
      }
    }
    let all = Array((requests.joined() + "GET /end HTTP/1.1\r\nHost: h\r\n\r\n").utf8)
    for size in [all.count, 1_000, 16_384] {
      let probe = server.connect()
      for start in stride(from: 0, to: all.count, by: size) {
        probe.send(Array(all[start..<min(start + size, all.count)]))
      }
      probe.endSending()
      let reply = probe.readToEnd()
      let paths = reply.matches(of: #/path=/(\w+) /#).map { String($0.1) }
      #expect(paths == (0..<30).filter { $0 % 4 != 3 }.map(String.init) + ["end"])
      #expect(reply.components("HTTP/1.1 200 ") == 31)
    }
  }

  @Test func whatComesBehindARequestThatWaitsIsAnsweredAfterIt() throws {
    let server = try ServerUnderTest()
    let probe = server.connect()
    probe.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\nGET /behind HTTP/1.1\r\nHost: h\r\n\r\n")
    #expect(server.sockets.waits(for: "later"))
    #expect(server.exchange("GET /now HTTP/1.1\r\nHost: h\r\n\r\n").hasPrefix("HTTP/1.1 200 "))
    let replies = probe.read(until: "path=/behind ")
    #expect(replies.hasPrefix("HTTP/1.1 202 ") && replies.contains("\r\n\r\nlateHTTP/1.1 200 "))
  }

  /// Some clients end a body with a line of its own, which begins no request (section 2.2).
  @Test func blankLinesBeforeARequestAreNone() throws {
    let server = try ServerUnderTest(timeoutSeconds: 1)
    var probe = server.connect()
    var first = ""
    // One that this machine keeps from asking within a second is cut off without a word.
    for _ in 0..<20 where first.isEmpty {
      probe = server.connect()
      probe.send("\r")
      #expect(server.stillServes)
      probe.send("\nPOST /first HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi\r\n")
      first = probe.read(until: "body=hi")
    }
    #expect(first.hasPrefix("HTTP/1.1 200 ") && first.contains("path=/first "), "\(first)")
    pause(milliseconds: 1_500)
    probe.send("GET /second HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    let second = probe.readToEnd()
    #expect(second.hasPrefix("HTTP/1.1 200 ") && second.contains("path=/second "), "\(second)")
  }

  /// A request that is here and waits for the server is not late.
  @Test func whoWaitsForAServerThatIsBusyIsNotTooLate() throws {
    let server = try ServerUnderTest(timeoutSeconds: 1)
    // One that this machine keeps from asking within a second is cut off without a word.
    let probes = (0..<3).map { turn -> HttpProbe in
      var probe = server.connect()
      var reply = ""
      for _ in 0..<20 where reply.isEmpty {
        probe = server.connect()
        probe.send("GET /\(turn) HTTP/1.1\r\nHost: h\r\n\r\n")
        reply = probe.read(until: "body=")
      }
      #expect(reply.hasPrefix("HTTP/1.1 200 "))
      return probe
    }
    let waiting = probes[0]
    let busy = [probes[1], probes[2]]
    busy[0].send("GET /busy HTTP/1.1\r\nHost: h\r\n\r\n")
    pause(milliseconds: 300)
    // Both are here when the server looks again: the first one's second request is before a pause.
    waiting.send(
      "GET /one HTTP/1.1\r\nHost: h\r\n\r\n"
        + "GET /two HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    busy[1].send("GET /busy HTTP/1.1\r\nHost: h\r\n\r\n")
    let replies = waiting.readToEnd()
    #expect(replies.components("HTTP/1.1 200 ") == 2, "\(replies)")
    #expect(replies.contains("path=/two "), "\(replies)")
    #expect(replies.components("Content-Type: ") == 2, "\(replies)")
    #expect(!server.sockets.all.contains { $0.hasPrefix("refused") }, "\(server.sockets.all)")
  }

  /// Who sends requests and takes no replies has a reply's time, however short the replies are.
  @Test func whoTakesNoRepliesIsCutOff() throws {
    let server = try ServerUnderTest(timeoutSeconds: 1)
    let probe = server.connect()
    let request = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
    #expect(!probe.send(String(repeating: request, count: 500_000)))
    #expect(server.sockets.waits(for: "refused 408 request_timeout 127.0.0.1"))
    #expect(server.stillServes)
  }

  @Test func oldClientsAreAnswered() throws {
    let server = try ServerUnderTest()
    let once = server.connect()
    once.send("GET /old HTTP/1.0\r\n\r\n")
    let reply = once.readToEnd()
    #expect(reply.contains("path=/old ") && reply.contains("Connection: close\r\n"))
    let kept = server.connect()
    for turn in 1...3 {
      kept.send("GET /\(turn) HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
      let reply = kept.read(until: "path=/\(turn) ")
      #expect(reply.contains("Connection: keep-alive\r\n"))
    }
  }

  /// Who sends a body that is not wanted reads why, though it sends all of it first.
  @Test func aRefusalIsReadBehindALongBody() throws {
    let server = try ServerUnderTest(bodyBytesMax: 100)
    let body = String(repeating: "x", count: 1_000_000)
    for request in [
      Self.post("Content-Length: 1000000", body), Self.chunked("F4240\r\n\(body)\r\n0\r\n\r\n"),
    ] {
      // The server waits two seconds for the rest. A try that took this machine longer than one
      // says nothing.
      var isInTime = false
      for _ in 0..<20 where !isInTime {
        let start = ContinuousClock.now
        let probe = server.connect()
        let isSent = probe.send(request)
        let reply = probe.readToEnd()
        isInTime = start.duration(to: .now) < .seconds(1)
        if isInTime { #expect(isSent && reply.hasPrefix("HTTP/1.1 413 "), "\(reply)") }
      }
      #expect(isInTime, "this machine sends no megabyte within a second")
    }
  }

  @Test func whoExpectsToContinueIsToldTo() throws {
    let server = try ServerUnderTest(bodyBytesMax: 100)
    for (framing, body) in [
      ("Content-Length: 5", "hello"), ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"),
    ] {
      let probe = server.connect()
      probe.send(Self.post("Expect: 100-Continue\r\n\(framing)", ""))
      #expect(probe.read(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
      probe.send(body)
      #expect(probe.readToEnd().hasSuffix("body=hello"))
    }
    // No body is asked for that will not be taken.
    let reply = server.exchange(Self.post("Expect: 100-continue\r\nContent-Length: 101", ""))
    #expect(reply.hasPrefix("HTTP/1.1 413 "))
  }

  @Test func aRequestThatIsNotWholeInTimeIsToldSo() throws {
    let server = try ServerUnderTest(timeoutSeconds: 1)
    let starts = ["G", "GET / HTTP/1.1\r\nHost: h\r\n", Self.chunked("5\r\nhel")]
    for start in starts {
      var reply = ""
      // One that this machine keeps from beginning within a second is cut off without a word.
      for _ in 0..<20 where reply.isEmpty {
        let probe = server.connect()
        probe.send(start)
        reply = probe.readToEnd()
      }
      #expect(reply.hasPrefix("HTTP/1.1 408 ") && reply.contains("request_timeout"), "\(reply)")
    }
  }
}

extension String {
  /// How often `part` is in it.
  fileprivate func components(_ part: String) -> Int { matches(of: Regex { part }).count }
}
