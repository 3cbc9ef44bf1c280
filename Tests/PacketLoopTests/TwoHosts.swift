import CProbe
import Glibc
import TestSupport
import Testing

/// Two hosts and a wire between them: network namespaces of a thread of its own, joined by a veth
/// pair. "Here" (10.9.0.1, fd00:9::1) is where the code under test runs; "there" (10.9.0.2,
/// fd00:9::2) is also the way to 10.10.0.0/16 and fd00:10::/64, of which it has the first's
/// addresses and fd00:10::34.
struct TwoHosts {
  private let here: Int32
  private let there: Int32

  /// Whether this process may make network namespaces, and what stands in the way if not.
  static let arePermitted = Right.sysAdmin.isHeld && Right.netAdmin.isHeld
  static let need: Comment = "needs a right: CAP_SYS_ADMIN and CAP_NET_ADMIN, to make hosts"

  /// Runs `body` on a thread that is here, and gives its result.
  static func run<Result>(_ body: @escaping (TwoHosts) throws -> Result) throws -> Result {
    var outcome: Swift.Result<Result, any Error>?
    let thread = try OtherThread {
      outcome = Swift.Result {
        let hosts = try TwoHosts()
        defer { hosts.close() }
        return try body(hosts)
      }
    }
    thread.start()
    thread.join()
    guard let outcome else { throw SetUpError(description: "the thread did nothing") }
    return try outcome.get()
  }

  private init() throws {
    here = try Self.newNamespace()
    there = try Self.newNamespace()
    try inside(there) {
      try Self.ip("link set lo up")
      try Self.ip(
        "link add there0 type veth peer name here0 netns /proc/\(getpid())/fd/\(here)")
      try Self.ip("addr add 10.9.0.2/24 dev there0")
      try Self.ip("-6 addr add fd00:9::2/64 dev there0 nodad")
      try Self.ip("link set there0 up")
      try Self.ip("route add local 10.10.0.0/16 dev lo")
      try Self.ip("-6 addr add fd00:10::34/128 dev lo nodad")
    }
    try Self.enter(here)
    try Self.ip("link set lo up")
    try Self.ip("addr add 10.9.0.1/24 dev here0")
    try Self.ip("-6 addr add fd00:9::1/64 dev here0 nodad")
    try Self.ip("link set here0 up")
    try Self.ip("route add 10.10.0.0/16 via 10.9.0.2")
    try Self.ip("-6 route add fd00:10::/64 via fd00:9::2")
  }

  private func close() {
    Glibc.close(here)
    Glibc.close(there)
  }

  /// Does something over there.
  func over<Result>(_ body: () throws -> Result) throws -> Result { try inside(there, body) }

  private func inside<Result>(_ namespace: Int32, _ body: () throws -> Result) throws -> Result {
    try Self.enter(namespace)
    defer { try? Self.enter(here) }
    return try body()
  }

  private static func newNamespace() throws -> Int32 {
    let namespace = probe_new_network()
    guard namespace >= 0 else {
      throw SetUpError(description: "a network namespace is refused: errno \(errno)")
    }
    return namespace
  }

  private static func enter(_ namespace: Int32) throws {
    guard probe_enter_network(namespace) == 0 else {
      throw SetUpError(description: "setns: errno \(errno)")
    }
  }

  /// Runs ip(8) with these words, in the namespace that the thread is in.
  static func ip(_ words: String) throws {
    guard unsafe system("ip \(words)") == 0 else { throw SetUpError(description: "ip \(words)") }
  }

  /// Sets a figure of /proc/sys/net.
  static func set(_ name: String, _ value: Int) throws {
    guard unsafe system("echo \(value) > /proc/sys/net/\(name)") == 0 else {
      throw SetUpError(description: "cannot set \(name)")
    }
  }
}
