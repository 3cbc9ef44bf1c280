import Crypto
import Ice
import Testing
import Wire

/// The controlling agent against the lite one.
@Suite struct IceClientAgentTests {
  private let near = TransportAddress(ipv4: 0x7F00_0001, port: 3478)
  private let far = TransportAddress(ipv4: 0x7F00_0002, port: 3478)

  private func makeClient(_ candidates: [TransportAddress]) -> IceClientAgent {
    IceClientAgent(
      local: clientCredentials, remote: serverCredentials, candidates: candidates, tieBreaker: 1,
      at: start)
  }

  @Test func connectsNominatesAndKeepsConsent() throws {
    var client = makeClient([near])
    var server = makeAgent()
    let first = try some(client.nextCheck(at: start))
    #expect(first.to == near)
    #expect(client.nextCheck(at: start) == nil)
    let answered = server.take(first.bytes, from: path(1))
    #expect(answered.news == IceNews(isNewPath: true, isNominatedNow: false))
    #expect(client.take(answered.reply, from: near, at: start) == .connected)
    #expect(client.selected == near)

    let second = try some(client.nextCheck(at: start))
    let nominated = server.take(second.bytes, from: path(1))
    #expect(nominated.news == IceNews(isNewPath: false, isNominatedNow: true))
    #expect(client.take(nominated.reply, from: near, at: start) == .refreshed)
    #expect(client.deadline == start.advanced(byMilliseconds: 2_500))
    #expect(client.take(nominated.reply, from: near, at: start) == .ignored(.unexpected))
  }

  @Test func repeatsAndTakesTheCandidateThatAnswers() throws {
    var client = makeClient([far, near])
    var now = start
    var times: [UInt64] = []
    var seed: UInt64 = 0
    var last: [UInt8] = []
    for _ in 0..<100 {
      while let check = client.nextCheck(at: now, seed: seed) {
        seed += 1
        guard check.to == near else { continue }
        times.append(now.milliseconds(since: start))
        last = check.bytes
      }
      now = now.advanced(byMilliseconds: 10)
    }
    #expect(times == [0, 50, 150, 350, 750])
    var server = makeAgent()
    let reply = server.take(last, from: path(1)).reply
    #expect(client.take(reply, from: far, at: now) == .ignored(.unexpected))
    #expect(client.take(reply, from: near, at: now) == .connected)
    #expect(client.selected == near)
  }

  @Test func aForgedAnswerIsIgnored() throws {
    var client = makeClient([near])
    let check = try some(client.nextCheck(at: start))
    let forged = answer(to: check.bytes, key: HmacSha1(key: "guess".utf8))
    #expect(client.take(forged, from: near, at: start) == .ignored(.wrongIntegrity))
    #expect(client.state == .checking)
    for count in 0..<forged.count {
      #expect(
        client.take(Array(forged.prefix(count)), from: near, at: start) == .ignored(.malformed))
    }
  }

  @Test func answersTheServersRequest() throws {
    var client = makeClient([near])
    var server = makeAgent()
    _ = server.take(Check().bytes, from: path(1))
    let proof = try some(server.nextProof(at: start))
    guard case .respond = client.take(proof.bytes, from: near, at: start) else {
      Issue.record("no answer")
      return
    }
    let reply = client.lastReply(to: proof.bytes, from: near)
    #expect(server.take(reply, from: path(1)).verdict == .proofAnswered)
    #expect(client.take(Check().bytes, from: near, at: start) == .ignored(.wrongUsername))
  }

  @Test func silenceForThirtySecondsIsALoss() {
    var client = makeClient([near])
    var now = start
    while client.state == .checking, now < start.advanced(byMilliseconds: 60_000) {
      while client.nextCheck(at: now) != nil {}
      now = client.deadline
    }
    #expect(client.state == .lost)
    #expect(client.deadline == .never)
    #expect(client.nextCheck(at: now) == nil)
  }
}

extension IceClientAgent {
  mutating func nextCheck(
    at now: Instant, seed: UInt64 = 0
  ) -> (bytes: [UInt8], to: TransportAddress)? {
    var random = SeededRandom(seed: now.nanoseconds &+ seed)
    var buffer = [UInt8](repeating: 0, count: StunWriter.bytesMax)
    let result = unsafe buffer.withUnsafeMutableBytes {
      unsafe poll(at: now, into: $0, random: &random)
    }
    return result.map { (Array(buffer[..<$0.length]), $0.to) }
  }

  mutating func take(
    _ bytes: [UInt8], from address: TransportAddress, at now: Instant
  ) -> IceClientVerdict {
    var reply = [UInt8](repeating: 0, count: 128)
    return unsafe reply.withUnsafeMutableBytes {
      unsafe handle(bytes.span.bytes, from: address, at: now, reply: $0)
    }
  }

  mutating func lastReply(to bytes: [UInt8], from address: TransportAddress) -> [UInt8] {
    var reply = [UInt8](repeating: 0, count: 128)
    let verdict = unsafe reply.withUnsafeMutableBytes {
      unsafe handle(bytes.span.bytes, from: address, at: start, reply: $0)
    }
    guard case .respond(let length) = verdict else { return [] }
    return Array(reply[..<length])
  }
}
