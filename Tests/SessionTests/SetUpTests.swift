import CallClient
import Ice
import Session
import Testing
import Wire

@Suite("What was seen of a client that never connected")
struct SetUpTests {
  /// A call on a network that lets through what `lets` says, until it has ended.
  private func end(
    _ setup: CallClientOptions.Setup = .actpass,
    change: (inout SessionParameters) -> Void = { _ in },
    lets: @escaping (CallPair.Datagram) -> Bool
  ) throws -> SetUpProgress? {
    let call = try CallPair(setup: setup, network: { lets($0) ? [1] : [] }, change: change)
    call.run(40_000)
    #expect(call.session.end != nil && !call.isConnected)
    return call.session.figures.setUp
  }

  private static func isStun(_ datagram: CallPair.Datagram) -> Bool { datagram.bytes[0] < 4 }

  /// With a password that nobody was told.
  private static func credentials(_ ufrag: String) -> IceCredentials {
    IceCredentials(ufrag: ufrag, password: String(repeating: "x", count: 32))
  }

  @Test("nothing at all") func nothing() throws {
    #expect(try end { _ in false } == .noCheck)
  }

  @Test("checks with another ufrag") func otherUfrag() throws {
    let seen = try end(change: { $0.remote = Self.credentials("other") }, lets: { _ in true })
    #expect(seen == .otherUfrag)
  }

  @Test("checks with another password") func otherPassword() throws {
    let seen = try end(
      change: { $0.local = Self.credentials(String(decoding: $0.local.ufrag, as: UTF8.self)) },
      lets: { _ in true })
    #expect(seen == .wrongIntegrity)
  }

  @Test("what begins like STUN and is none") func malformed() throws {
    let call = try CallPair(network: { _ in [] })
    call.inject([UInt8](repeating: 0, count: 20))
    call.run(40_000)
    #expect(call.session.end == .neverConnected)
    #expect(call.session.figures.setUp == .malformedChecks)
  }

  @Test("checks, and no DTLS") func noDtls() throws {
    #expect(try end(.active, lets: Self.isStun) == .noDtls)
  }

  @Test("DTLS of one direction only") func dtlsNotFinished() throws {
    let seen = try end(.active) { Self.isStun($0) || $0.way == .up }
    #expect(seen == .dtlsNotFinished)
  }

  @Test("a call that connects says nothing of it") func connected() throws {
    let call = try CallPair()
    call.run(2_000)
    #expect(call.isConnected)
    #expect(call.session.figures.setUp == nil)
  }

  @Test("each has a word and a sentence of its own") func texts() {
    let all = SetUpProgress.allCases
    #expect(Set(all.map(\.rawValue)).count == all.count)
    #expect(Set(all.map(\.explanation)).count == all.count)
  }
}
