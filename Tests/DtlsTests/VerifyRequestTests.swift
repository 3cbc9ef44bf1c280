import Dtls
import Testing
import Wire

/// A server that wants a cookie is given it; nobody who merely says so for it stops a handshake.
@Suite struct VerifyRequestTests {
  private static let cookie: [UInt8] = Array(40..<60)

  /// What an honest server that wants a cookie does: it answers every hello alike.
  @Test func aServerThatAsksEveryHelloIsGivenItsCookieAfterOneRepetition() throws {
    let end = try makeEndpoint(
      .active, identity: identityOfA, fingerprints: [identityOfB.fingerprint()])
    var now = Instant(nanoseconds: 1_000_000_000)
    let start = now
    end.start(at: now)
    var cookieAt: Instant?
    while cookieAt == nil, now.milliseconds(since: start) < 1000 {
      for hello in end.datagrams() {
        if Self.hasCookie(hello) { cookieAt = now }
        let answer = now.advanced(byMilliseconds: 20)
        end.take(Forgery.verifyRequest(cookie: Self.cookie), at: answer)
      }
      if !end.datagrams().allSatisfy({ !Self.hasCookie($0) }) { cookieAt = now }
      now = end.deadline
      end.handleTimeout(at: now)
    }
    let took = try #require(cookieAt).milliseconds(since: start)
    #expect(took == 60)
    // The same ones again change nothing: the hello with the cookie is sent as often as it takes.
    end.take(Forgery.verifyRequest(cookie: Self.cookie), at: now)
    end.handleTimeout(at: end.deadline)
    #expect(end.datagrams().allSatisfy(Self.hasCookie))
    #expect(end.state == .handshaking)
  }

  /// Many at once, alike or not, again and again until the honest answer is there.
  @Test(arguments: [1, 3, 20], [false, true])
  func manyForgedOnesEndNoCallWhileItsPeerIsOnItsWay(count: Int, areAlike: Bool) throws {
    for roundTrip in [2, 50, 170] as [UInt64] {
      let wire = try makePair()
      wire.delay = { roundTrip / 2 }
      wire.startBoth()
      for burst in 0..<4 {
        for index in 0..<max(count, burst == 0 ? 1 : 2) {
          let cookie = Self.cookie + (areAlike ? [] : [UInt8(index)])
          wire.inject(Forgery.verifyRequest(cookie: cookie), to: .a)
        }
        wire.run(untilMilliseconds: UInt64(burst + 1) * 40)
      }
      wire.run()
      #expect(wire.isConnected, "\(roundTrip) ms: \(wire.a.state) \(wire.b.state)")
      #expect(!wire.sent.contains { $0.to == .b && Self.hasCookie($0.bytes) })
    }
  }

  /// One that comes before every answer, however late that is.
  @Test func oneForgedOneEndsNoCallHoweverLateThePeerIs() throws {
    let wire = try makePair()
    wire.delay = { 400 }
    wire.startBoth()
    wire.inject(Forgery.verifyRequest(cookie: Self.cookie), to: .a)
    wire.run()
    #expect(wire.isConnected)
    #expect(!wire.sent.contains { $0.to == .b && Self.hasCookie($0.bytes) })
  }

  /// A first fragment of a ClientHello (RFC 6347, section 4.2.2) in the second place: the one that
  /// carries a cookie.
  private static func hasCookie(_ datagram: [UInt8]) -> Bool {
    datagram[0] == 22 && datagram[13] == 1 && datagram[18] == 1
  }
}

extension DtlsEndpoint {
  fileprivate func take(_ bytes: [UInt8], at now: Instant) {
    unsafe bytes.withUnsafeBytes { unsafe handle($0, at: now) }
  }
}
