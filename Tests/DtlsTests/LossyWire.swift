import Dtls
import Wire

/// Two DTLS endpoints joined by a wire on a virtual clock. Each datagram passes `tamper`, which may
/// drop it or put others before and after it, and takes `delay` milliseconds.
final class LossyWire {
  enum End: Int { case a, b }

  struct Datagram {
    var to: End
    var bytes: [UInt8]
    /// Counts the datagrams towards this end, from 0.
    var index: Int
  }

  let a: any DtlsEndpoint
  let b: any DtlsEndpoint
  /// What arrives in place of a sent datagram.
  var tamper: (Datagram) -> [[UInt8]] = { [$0.bytes] }
  var delay: () -> UInt64 = { 1 }
  /// Every datagram that an endpoint has sent, lost ones too.
  private(set) var sent: [Datagram] = []
  private(set) var now = Instant(nanoseconds: 1_000_000_000)
  private let start: Instant
  private var inFlight: [(at: Instant, to: End, bytes: [UInt8])] = []
  private var counts = [0, 0]

  init(_ a: any DtlsEndpoint, _ b: any DtlsEndpoint) {
    self.a = a
    self.b = b
    start = now
  }

  var elapsedMilliseconds: UInt64 { now.milliseconds(since: start) }
  var isConnected: Bool { a.state == .connected && b.state == .connected }

  func endpoint(_ end: End) -> any DtlsEndpoint { end == .a ? a : b }

  func startBoth(collecting: Bool = true) {
    a.start(at: now)
    b.start(at: now)
    if collecting { collect() }
  }

  /// Puts datagrams into the hands of `end` at once, and leaves what it says to them for later.
  func give(_ datagrams: [[UInt8]], to end: End) {
    let endpoint = endpoint(end)
    for bytes in datagrams { unsafe bytes.withUnsafeBytes { unsafe endpoint.handle($0, at: now) } }
  }

  /// A whole handshake in no time and without loss, after `startBoth(collecting: false)`. `victim`
  /// gets each record as a datagram of its own; `before` is called before each, with how many it
  /// has had. Gives how many there were.
  func shakeHands(recordByRecordTo victim: End, before: (Int) -> Void) -> Int {
    var taken = 0
    for _ in 0..<4 {
      for (from, to) in [(a, End.b), (b, End.a)] {
        for datagram in from.datagrams() {
          for record in to == victim ? datagram.records : [datagram] {
            if to == victim {
              before(taken)
              taken += 1
            }
            give([record], to: to)
          }
        }
      }
    }
    return taken
  }

  /// Puts `bytes` into the hands of `end` at once, as a datagram that came from its peer.
  func inject(_ bytes: [UInt8], to end: End) {
    unsafe bytes.withUnsafeBytes { unsafe endpoint(end).handle($0, at: now) }
    collect()
  }

  /// Runs until nothing is left to do, both are connected, or the virtual time is over.
  func run(untilMilliseconds limit: UInt64 = 15_000, stopWhenConnected: Bool = true) {
    let end = start.advanced(byMilliseconds: limit)
    while !(stopWhenConnected && isConnected) {
      let arrival = inFlight.first?.at ?? .never
      let next = min(arrival, min(a.deadline, b.deadline))
      guard next <= end else { break }
      now = max(now, next)
      step()
    }
  }

  private func step() {
    if let first = inFlight.first, first.at <= now {
      inFlight.removeFirst()
      unsafe first.bytes.withUnsafeBytes { unsafe endpoint(first.to).handle($0, at: now) }
    }
    for endpoint in [a, b] where endpoint.deadline <= now { endpoint.handleTimeout(at: now) }
    collect()
  }

  /// Takes what both ends want to send.
  func collect() {
    for (from, to) in [(a, End.b), (b, End.a)] {
      for bytes in from.datagrams() {
        let datagram = Datagram(to: to, bytes: bytes, index: counts[to.rawValue])
        counts[to.rawValue] += 1
        sent.append(datagram)
        for arrived in tamper(datagram) {
          let arrival = now.advanced(byMilliseconds: delay())
          let index = inFlight.firstIndex { $0.at > arrival } ?? inFlight.endIndex
          inFlight.insert((arrival, to, arrived), at: index)
        }
      }
    }
  }
}

extension DtlsEndpoint {
  /// All datagrams that wait to be sent.
  func datagrams() -> [[UInt8]] {
    var result: [[UInt8]] = []
    var buffer: [UInt8] = Array(repeating: 0, count: 2048)
    while let count = unsafe buffer.withUnsafeMutableBytes({ unsafe nextDatagram(into: $0) }) {
      result.append(Array(buffer[..<count]))
    }
    return result
  }

  /// All application datagrams that have arrived.
  func applicationData() -> [[UInt8]] {
    var result: [[UInt8]] = []
    var buffer: [UInt8] = Array(repeating: 0, count: 2048)
    while let count = unsafe buffer.withUnsafeMutableBytes({
      unsafe nextApplicationData(into: $0)
    }) {
      result.append(Array(buffer[..<count]))
    }
    return result
  }

  func send(_ bytes: [UInt8]) -> Bool { unsafe bytes.withUnsafeBytes { unsafe send($0) } }
}

/// Identities are slow to make and can be shared.
let identityOfA = try! DtlsIdentity.generate()
let identityOfB = try! DtlsIdentity.generate()
let identityOfImpostor = try! DtlsIdentity.generate()

/// An endpoint of `identity` that expects `peer`.
func makeEndpoint(
  _ role: DtlsRole, identity: DtlsIdentity, fingerprints: [DtlsFingerprint], seed: UInt64 = 1,
  change: (inout DtlsConfiguration) -> Void = { _ in }
) throws -> OpenSslDtls {
  var configuration = DtlsConfiguration(role: role, fingerprints: fingerprints)
  change(&configuration)
  var random = SeededRandom(seed: seed &+ (role == .active ? 0 : 1 << 32))
  let bytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
  return try OpenSslDtls(identity: identity, configuration: configuration, seed: bytes)
}

/// A (active) and B (passive), each expecting the other, not yet started.
func makePair(
  seed: UInt64 = 1, change: (inout DtlsConfiguration) -> Void = { _ in }
) throws -> LossyWire {
  LossyWire(
    try makeEndpoint(
      .active, identity: identityOfA, fingerprints: [identityOfB.fingerprint()], seed: seed,
      change: change),
    try makeEndpoint(
      .passive, identity: identityOfB, fingerprints: [identityOfA.fingerprint()], seed: seed,
      change: change))
}
