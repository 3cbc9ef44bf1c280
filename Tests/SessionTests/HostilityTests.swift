import CallClient
import Session
import Testing
import Wire

@Suite("Hostile datagrams")
struct HostilityTests {
  /// A path that is not the caller's.
  private func stranger(of call: CallPair) -> PathID {
    var path = call.path
    path.client = TransportAddress(ipv4: 0xC633_6407, port: 6_666)
    return path
  }

  @Test("DTLS and media from an address without a signed check are refused, whatever they are")
  func strangers() throws {
    let call = try CallPair()
    call.run(1_000)
    let captured = call.sent.filter { $0.way == .up }
    let before = call.session.figures
    var count: UInt64 = 0
    for datagram in captured where datagram.bytes[0] >= 20 {
      #expect(call.inject(datagram.bytes, by: stranger(of: call)) == .refused)
      count += 1
    }
    let after = call.session.figures
    #expect(count > 10)
    #expect(
      after.dtlsFromUnknownPath + after.mediaUnexpected
        == before.dtlsFromUnknownPath + before.mediaUnexpected + count)
    call.run(1_000)
    #expect(call.isConnected)
  }

  @Test("a captured check from another address moves no media")
  func replayedCheck() throws {
    let call = try CallPair()
    call.run(1_000)
    let check = try #require(call.sent.last { $0.way == .up && $0.bytes[0] == 0 })
    call.inject(check.bytes, by: stranger(of: call))
    call.run(3_000)
    #expect(call.session.figures.path == call.path)
    #expect(!call.events.contains(.moved(stranger(of: call))))
    #expect(call.client.figures.packetsLost == 0)
  }

  @Test("what the return path must answer to cannot be foretold from what was asked before")
  func proofs() throws {
    // Xoshiro's state, and with it every number to come, would follow from a few numbers seen.
    let one = try proofRequests(seedEnd: 1)
    let other = try proofRequests(seedEnd: 2)
    #expect(one.count >= 3)
    #expect(Set(one).count == one.count)
    #expect(Set(one).isDisjoint(with: other))
  }

  /// The transaction IDs of a session's own requests, under a seed whose last byte alone differs.
  private func proofRequests(seedEnd: UInt8) throws -> [StunTransactionID] {
    let call = try CallPair(
      network: { $0.way == .up && $0.bytes[0] == 0 ? [1] : [] },
      change: { $0.seed = [UInt8](repeating: 0, count: 31) + [seedEnd] })
    call.run(5_000)
    return call.sent.filter { $0.way == .down }.compactMap { datagram in
      guard case .message(let message) = unsafe StunMessage.parse(datagram.bytes.span.bytes),
        message.type.isRequest
      else { return nil }
      return message.transactionID
    }
  }

  @Test("what is replayed, changed or cut at any length is refused, and the call goes on")
  func damaged() throws {
    let call = try CallPair()
    call.run(1_000)
    let voice = try #require(call.sent.last { $0.way == .up && $0.bytes[0] >= 128 }).bytes
    #expect(call.inject(voice) == .refused)
    for length in 0..<voice.count {
      #expect(call.inject(Array(voice[..<length])) == .refused)
    }
    var random = SeededRandom(seed: 3)
    for sample in call.sent.filter({ $0.way == .up }).prefix(40) {
      for length in 0...sample.bytes.count {
        var bytes = Array(sample.bytes[..<length])
        if !bytes.isEmpty {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= UInt8.random(
            in: 1...255, using: &random)
        }
        call.inject(bytes)
      }
    }
    call.run(2_000)
    #expect(call.isConnected)
    #expect(call.session.end == nil)
  }

  @Test("random bytes of every first byte and many lengths trap nothing and are all counted")
  func noise() throws {
    let call = try CallPair()
    call.run(1_000)
    var random = SeededRandom(seed: 9)
    let before = call.session.figures.datagrams
    var count: UInt64 = 0
    for first in UInt8.min...UInt8.max {
      for length in [1, 2, 12, 13, 20, 28, 200, 1_400] {
        var bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
        bytes[0] = first
        call.inject(bytes)
        count += 1
      }
    }
    #expect(call.session.figures.datagrams == before + count)
    call.run(2_000)
    #expect(call.isConnected)
  }

  @Test("a NAT that changes its mapping: the voice follows the caller")
  func rebind() throws {
    let call = try CallPair()
    call.run(3_000)
    call.clientAddress.port = 50_001
    call.run(10_000)
    #expect(call.session.figures.path == call.path)
    #expect(call.events.contains(.moved(call.path)))
    let before = call.client.figures.packetsReceived
    call.run(1_000)
    #expect(call.client.figures.packetsReceived >= before + 49)
  }
}
