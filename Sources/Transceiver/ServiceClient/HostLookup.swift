import Glibc
import Runtime

/// The IP addresses of a name. Looking up blocks, so each lookup has a thread of its own, and there
/// is one lookup at a time.
///
/// Used on one thread, the hub's; `done` runs on the lookup's.
final class HostLookup {
  /// As text, in the system's order of preference; empty: none, and `reason` says why.
  struct Answer: Sendable {
    var addresses: [String]
    var reason: String
  }

  /// How many addresses are kept.
  static let addressesMax = 4
  /// How long an answer is used, seconds.
  static let freshSeconds = 30

  private let host: String
  private var thread: HostThread?
  private(set) var isUnderWay = false
  private(set) var addresses: [String] = []
  private var answeredAt = Int.min

  init(_ host: String) {
    self.host = host
    if let literal = Self.literal(host) {
      addresses = [literal]
      answeredAt = Int.max
    }
  }

  /// Whether there are addresses that need no lookup before they are used.
  var isFresh: Bool {
    !addresses.isEmpty && (answeredAt == Int.max || Self.seconds() - answeredAt < Self.freshSeconds)
  }

  /// Begins a lookup, unless one is under way. `done` gets the answer for `finish`.
  func begin(_ done: @escaping @Sendable (Answer) -> Void) {
    guard !isUnderWay else { return }
    isUnderWay = true
    thread?.join()
    thread = HostThread { [host] in done(Self.ask(host)) }
  }

  /// Takes the answer of a lookup. Old addresses stay good when there is no new one.
  func finish(_ answer: Answer) {
    isUnderWay = false
    guard !answer.addresses.isEmpty else { return }
    addresses = answer.addresses
    answeredAt = Self.seconds()
  }

  /// Of the clock that never goes back.
  private static func seconds() -> Int {
    var now = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec
  }

  /// `host` when it is an IP address itself.
  private static func literal(_ host: String) -> String? {
    var space = in6_addr()
    let isAddress =
      unsafe inet_pton(AF_INET, host, &space) == 1 || inet_pton(AF_INET6, host, &space) == 1
    return isAddress ? host : nil
  }

  private static func ask(_ host: String) -> Answer {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var first: UnsafeMutablePointer<addrinfo>?
    let status = unsafe getaddrinfo(host, nil, &hints, &first)
    guard status == 0 else {
      return Answer(addresses: [], reason: unsafe String(cString: gai_strerror(status)))
    }
    defer { unsafe freeaddrinfo(first) }
    var found: [String] = []
    var next = unsafe first
    while let entry = unsafe next, found.count < addressesMax {
      if let text = unsafe text(entry.pointee), !found.contains(text) { found.append(text) }
      unsafe next = entry.pointee.ai_next
    }
    return Answer(addresses: found, reason: found.isEmpty ? "it has no address" : "")
  }

  private static func text(_ entry: addrinfo) -> String? {
    var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let status = unsafe getnameinfo(
      entry.ai_addr, entry.ai_addrlen, &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST)
    guard status == 0 else { return nil }
    return String(
      decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
