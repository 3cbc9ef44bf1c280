import Glibc

/// What came back for a request.
struct HttpReply: Sendable {
  var status: Int
  /// Names in lower case; of a repeated header the last counts.
  var headers: [String: String]
  var body: String
}

/// Why there was no reply, in one sentence.
struct HttpFailure: Error, CustomStringConvertible {
  let description: String
}

/// Where a server is: the parts of an `http://host:port/prefix` URL.
struct HttpOrigin: Sendable {
  let host: String
  let port: String
  let prefix: String

  /// Nil for anything but an http URL; `https` needs a library that this small client is not. The
  /// `http://` may be left out, and a port alone (`8080`, `:8080`) is one of 127.0.0.1.
  init?(url: String) {
    let scheme = "http://"
    guard url.hasPrefix(scheme) || !url.contains("://") else { return nil }
    let rest = Self.withHost(url.hasPrefix(scheme) ? url.dropFirst(scheme.count) : url[...])
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    let authority = rest[..<slash]
    prefix = String(rest[slash...].prefix { $0 != "?" && $0 != "#" }).trimmingSlash
    if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
      host = String(authority[authority.index(after: authority.startIndex)..<end])
      let tail = authority[authority.index(after: end)...]
      guard tail.isEmpty || tail.hasPrefix(":") else { return nil }
      port = tail.isEmpty ? "80" : String(tail.dropFirst())
    } else {
      let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count <= 2, let first = parts.first else { return nil }
      host = String(first)
      port = parts.count == 2 ? String(parts[1]) : "80"
    }
    guard !host.isEmpty, let number = UInt16(port), number > 0 else { return nil }
  }

  /// What was typed, with the host that a port alone means.
  private static func withHost(_ text: Substring) -> Substring {
    let end = text.firstIndex(of: "/") ?? text.endIndex
    let port = text[..<end].first == ":" ? text[..<end].dropFirst() : text[..<end]
    guard !port.isEmpty, port.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return text }
    return "127.0.0.1:\(port)\(text[end...])"
  }

  var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// The least HTTP/1.1 that makes a call: one request on one connection, which the server closes.
/// Blocks its thread, at most `timeoutSeconds` in each step. Reads at most `replyBytesMax`.
struct HttpClient: Sendable {
  static let timeoutSeconds = 10
  static let replyBytesMax = 1 << 20

  let origin: HttpOrigin
  /// What the server asks for; nil where it asks for nothing. A secret.
  let apiKey: String?

  init(origin: HttpOrigin, apiKey: String? = nil) {
    self.origin = origin
    self.apiKey = apiKey
  }

  func post(_ path: String, contentType: String, body: String) throws(HttpFailure) -> HttpReply {
    let descriptor = try connect()
    defer { close(descriptor) }
    let lines =
      [
        "POST \(origin.prefix)\(path) HTTP/1.1", "Host: \(origin.authority)",
        "Content-Type: \(contentType)", "Content-Length: \(body.utf8.count)", "Accept: */*",
        "Connection: close",
      ] + (apiKey.map { ["Authorization: Bearer \($0)"] } ?? []) + ["", body]
    try send(Array(lines.joined(separator: "\r\n").utf8), on: descriptor)
    return try Self.parse(receive(on: descriptor))
  }

  private func connect() throws(HttpFailure) -> Int32 {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let status = unsafe getaddrinfo(origin.host, origin.port, &hints, &list)
    guard status == 0 else {
      let cause = unsafe String(cString: gai_strerror(status))
      throw HttpFailure(description: "cannot find \(origin.host): \(cause)")
    }
    defer { unsafe freeaddrinfo(list) }
    var cause = "no address"
    var entry = unsafe list
    while let address = unsafe entry {
      let descriptor = unsafe Self.open(address.pointee)
      if descriptor >= 0 { return descriptor }
      cause = unsafe String(cString: strerror(errno))
      unsafe entry = address.pointee.ai_next
    }
    throw HttpFailure(description: "cannot connect to \(origin.authority): \(cause)")
  }

  /// A connected socket with time limits, or -1 and errno.
  private static func open(_ address: addrinfo) -> Int32 {
    let descriptor = unsafe socket(
      address.ai_family, address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return -1 }
    var limit = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
    if unsafe Glibc.connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 {
      return descriptor
    }
    let cause = errno
    close(descriptor)
    errno = cause
    return -1
  }

  private func send(_ bytes: [UInt8], on descriptor: Int32) throws(HttpFailure) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes {
        unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw broken("sending to") }
      rest = rest.dropFirst(count)
    }
  }

  /// Everything up to the end of the reply.
  private func receive(on descriptor: Int32) throws(HttpFailure) -> [UInt8] {
    var reply: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while reply.count <= Self.replyBytesMax {
      let count = unsafe buffer.withUnsafeMutableBytes {
        unsafe recv(descriptor, $0.baseAddress, $0.count, 0)
      }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw broken("reading from") }
      guard count > 0 else { return reply }
      reply += buffer[..<count]
    }
    throw HttpFailure(description: "the reply of \(origin.authority) is too long")
  }

  private func broken(_ doing: String) -> HttpFailure {
    let cause =
      errno == EAGAIN
      ? "no progress in \(Self.timeoutSeconds) s" : unsafe String(cString: strerror(errno))
    return HttpFailure(description: "\(doing) \(origin.authority): \(cause)")
  }

  /// Takes a whole reply apart (RFC 9112); the body is what follows the empty line, cut to
  /// Content-Length when that is given.
  static func parse(_ bytes: [UInt8]) throws(HttpFailure) -> HttpReply {
    let separator: [UInt8] = [13, 10, 13, 10]
    guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: separator) }) else {
      throw HttpFailure(description: "the reply is not HTTP")
    }
    let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
    let words = lines.first?.split(separator: " ") ?? []
    guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
      throw HttpFailure(description: "the reply is not HTTP")
    }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      headers[line[..<colon].lowercased()] = String(value)
    }
    var body = bytes[(end + separator.count)...]
    if let length = headers["content-length"].flatMap({ Int($0) }), length >= 0 {
      guard body.count >= length else { throw HttpFailure(description: "the reply is cut short") }
      body = body.prefix(length)
    }
    return HttpReply(
      status: status, headers: headers, body: String(decoding: body, as: UTF8.self))
  }
}

extension String {
  fileprivate var trimmingSlash: String { hasSuffix("/") ? String(dropLast()) : self }
}
