import Sctp
import Testing
import Wire

@Suite("SCTP: tags, cookies, unknown things")
struct RulesTests {
  @Test func beforeAnAssociation() {
    let peer = HandPeer()
    #expect(peer.give(raw: []) == .malformed)
    #expect(peer.give(tag: 5, peer.data(stream: 0, sequence: 0, [1])) == .outOfTheBlue)
    #expect(peer.give(tag: 5, chunk(6, [])) == .outOfTheBlue)
    #expect(peer.give(tag: 5, chunk(8, [])) == .outOfTheBlue)
    #expect(peer.give(tag: 5, chunk(10, pattern(64, seed: 1))) == .outOfTheBlue)
    #expect(peer.give(tag: 1, chunk(1, peer.offer())) == .wrongTag)
    #expect(peer.give(tag: 0, chunk(1, peer.offer()), chunk(11, [])) == .malformed)
    #expect(peer.replies.isEmpty)
    #expect(peer.association.figures.packets.total == 7)
    #expect(peer.association.figures.cookiesForged == 1)
  }

  @Test func tagsChecksumsPorts() {
    let peer = HandPeer()
    peer.connect()
    let beat = chunk(4, [0, 1, 0, 8, 1, 2, 3, 4])
    #expect(peer.give(tag: peer.theirTag &+ 1, beat) == .wrongTag)
    #expect(peer.give(tag: 0, beat) == .wrongTag)
    #expect(peer.give(tag: peer.ourTag, chunk(6, [])) == .wrongTag)
    #expect(peer.give(raw: packet(tag: peer.theirTag, beat, from: 5001)) == .wrongPorts)
    #expect(peer.give(raw: packet(tag: peer.theirTag, beat, to: 5001)) == .wrongPorts)
    var broken = packet(tag: peer.theirTag, beat)
    broken[20] ^= 1
    #expect(peer.give(raw: broken) == .wrongChecksum)
    #expect(peer.count(of: 5) == 0)
    #expect(peer.give(beat) == .accepted)
    #expect(peer.last(5) == [0, 1, 0, 8, 1, 2, 3, 4])
    // ABORT with the peer's own tag and the T bit.
    #expect(peer.give(tag: peer.ourTag, chunk(6, flags: 1, [0, 12, 0, 4])) == .accepted)
    #expect(peer.events.loss == .abortedByPeer(cause: 12))
    #expect(peer.give(beat) == .ended)
    var expected = SctpPacketCounters()
    expected.accepted = 4
    expected.wrongChecksum = 1
    expected.wrongPorts = 2
    expected.wrongTag = 3
    expected.ended = 1
    #expect(peer.association.figures.packets == expected)
  }

  /// Every bit of a cookie counts.
  @Test func forgedCookies() {
    let peer = HandPeer()
    peer.initiate()
    let cookie = peer.cookie
    #expect(cookie.count == 64)
    for index in cookie.indices {
      var forged = cookie
      forged[index] ^= 1 << UInt8(index & 7)
      peer.give(chunk(10, forged))
    }
    for count in 0..<64 { peer.give(chunk(10, Array(cookie[..<count]))) }
    #expect(peer.association.figures.cookiesForged == 128)
    #expect(peer.events.isEmpty)
    #expect(peer.count(of: 11) == 0)
    peer.give(chunk(10, cookie))
    #expect(peer.events == [.associationUp])
  }

  @Test func staleCookies() {
    let peer = HandPeer()
    peer.initiate()
    peer.wait(milliseconds: 60_001)
    peer.give(chunk(10, peer.cookie))
    #expect(peer.association.figures.cookiesStale == 1)
    #expect(peer.events.isEmpty)
    #expect(Array(peer.last(9)?.prefix(4) ?? []) == [0, 3, 0, 8])
    peer.initiate()
    peer.give(chunk(10, peer.cookie))
    #expect(peer.events == [.associationUp])
  }

  /// The COOKIE ECHO again, also late, is confirmed again and changes nothing.
  @Test func replayedCookies() {
    let peer = HandPeer()
    peer.connect()
    peer.give(peer.open(stream: 0))
    peer.wait(milliseconds: 25_000)
    peer.give(chunk(10, peer.cookie))
    #expect(peer.count(of: 11) == 2)
    peer.give(peer.data(stream: 0, sequence: 1, Array("still".utf8)))
    #expect(peer.events.texts == ["still"])
    #expect(peer.events.filter { $0 == .associationUp }.count == 1)
  }

  /// A second INIT in an association gets an answer and changes nothing; its cookie ends it.
  @Test func aRestartEndsTheAssociation() {
    let peer = HandPeer()
    peer.connect()
    peer.give(peer.open(stream: 0))
    peer.give(peer.data(stream: 0, sequence: 1, Array("one".utf8)))
    let tag = peer.theirTag
    peer.initiate(tag: 0x7777_7777)
    #expect(peer.theirTag != tag)
    peer.give(tag: tag, peer.data(stream: 0, sequence: 2, Array("two".utf8)))
    #expect(peer.events.texts == ["one", "two"])
    peer.give(chunk(10, peer.cookie))
    #expect(peer.events.loss == .restartedByPeer)
  }

  @Test func unknownChunks() {
    let peer = HandPeer()
    peer.connect()
    let beat = chunk(4, [0, 1, 0, 8, 1, 2, 3, 4])
    // 00: stop. 01: stop and report. 10: go on. 11: go on and report.
    for (type, goesOn, reports) in [
      (0x3F, false, false), (0x7F, false, true), (0xBF, true, false), (0xFF, true, true),
    ] as [(UInt8, Bool, Bool)] {
      let (beats, errors) = (peer.count(of: 5), peer.count(of: 9))
      #expect(peer.give(chunk(type, [1, 2, 3]), beat) == .accepted)
      #expect(peer.count(of: 5) == beats + (goesOn ? 1 : 0))
      #expect(peer.count(of: 9) == errors + (reports ? 1 : 0))
    }
    #expect(peer.last(9) == [0, 6, 0, 11, 0xFF, 0, 0, 7, 1, 2, 3])
    #expect(peer.association.figures.chunksUnknown == 4)
  }

  @Test func unknownParameters() {
    let unknown: [(UInt16, Bool, Bool)] = [
      (0x3FFF, false, false), (0x7FFF, false, true), (0xBFFF, true, false), (0xFFFE, true, true),
    ]
    for (type, goesOn, reports) in unknown {
      let peer = HandPeer()
      let parameter = words(UInt32(type) << 16 | 5, 0x0900_0000)
      // FORWARD TSN stands behind the unknown one: whether it was read shows in what is sent.
      let body = words(peer.ourTag, 1 << 20, 0xFFFF_FFFF, peer.tsn) + parameter
      peer.give(tag: 0, chunk(1, body + words(0xFFFD_0004)))
      let answer = peer.last(2) ?? []
      let reported = answer.split(separator: [0, 8] as [UInt8], maxSplits: 9).count > 1
      #expect(reported || !reports)
      let tail = Array(answer.suffix(8))
      #expect(goesOn == (tail == words(0x0008_0008, 0xFFFD_0004)))
    }
  }

  @Test func initsThatCannotBe() {
    let peer = HandPeer()
    peer.give(tag: 0, chunk(1, words(0, 1 << 20, 0xFFFF_FFFF, 1)))
    peer.give(tag: 0, chunk(1, words(1, 1 << 20, 0x0000_FFFF, 1)))
    peer.give(tag: 0, chunk(1, words(1, 1 << 20, 0xFFFF_0000, 1)))
    peer.give(tag: 0, chunk(1, words(1, 1 << 20, 0xFFFF_FFFF, 1, 0xC000_0003)))
    #expect(peer.replies.isEmpty)
    #expect(peer.association.figures.chunksMalformed == 4)
  }

  /// The same stream ID for one channel after another, by a peer that takes the lowest each time,
  /// as browsers do.
  @Test func aPeerReusesAStream() {
    let peer = HandPeer()
    peer.connect()
    for round in 0..<10 as Range<UInt32> {
      peer.give(peer.open(stream: 2, label: "round \(round)"))
      peer.give(peer.data(stream: 2, sequence: 1, Array("\(round)".utf8)))
      // Acknowledges all, and resets.
      let sent = peer.replies.last { $0.type == 0 }.map { word($0.body, at: 0) } ?? 0
      peer.give(chunk(3, words(sent, 1 << 20, 0)))
      peer.give(chunk(130, [0, 13, 0, 18] + words(1_000 &+ round, 0, peer.tsn &- 1) + [0, 2]))
      let answers = peer.replies.filter { $0.type == 130 }.map(\.body)
      #expect(answers.contains([0, 16, 0, 12] + words(1_000 &+ round, 1)))
      // DATA_CHANNEL_ACK is the first of its stream each time.
      #expect(word(peer.last(0) ?? [], at: 4) == 2 << 16)
      guard let request = answers.last(where: { $0[1] == 13 }) else { continue }
      #expect(Array(request.suffix(2)) == [0, 2])
      peer.give(chunk(130, [0, 16, 0, 12] + Array(request[4..<8]) + words(1)))
    }
    #expect(peer.events.opened.count == 10)
    #expect(peer.events.closed == [UInt16](repeating: 2, count: 10))
    #expect(peer.events.texts == (0..<10).map { "\($0)" })
    #expect(peer.association.figures.channels == 0)
  }

  /// After a reset the numbers of the peer's stream begin at 0, also behind a gap.
  @Test func aReusedStreamAheadOfAGap() {
    let peer = HandPeer()
    peer.connect()
    peer.give(peer.open(stream: 2, label: "one"))
    let sent = word(peer.last(0) ?? [], at: 0)
    peer.give(chunk(3, words(sent, 1 << 20, 0)))
    peer.give(chunk(130, [0, 13, 0, 18] + words(1_000, 0, peer.tsn &- 1) + [0, 2]))
    let request = peer.last(130) ?? []
    peer.give(chunk(130, [0, 16, 0, 12] + Array(request[4..<8]) + words(1)))
    _ = peer.data(stream: 4, sequence: 0, [1])
    peer.give(peer.open(stream: 2, label: "two"))
    #expect(peer.events.opened.map(\.label) == [Array("one".utf8), Array("two".utf8)])
  }

  /// A reset that overtakes data waits for it.
  @Test func aResetAheadOfItsData() {
    let peer = HandPeer()
    peer.connect()
    peer.give(peer.open(stream: 0))
    let late = peer.data(stream: 0, sequence: 1, Array("late".utf8))
    let request = chunk(130, [0, 13, 0, 18] + words(1_000, 0, peer.tsn &- 1) + [0, 0])
    peer.give(request)
    #expect(Array(peer.last(130)?.suffix(4) ?? []) == words(6))
    #expect(peer.events.closed.isEmpty)
    peer.give(late)
    peer.give(request)
    #expect(peer.events.texts == ["late"])
    #expect(peer.events.closed == [0])
    #expect(peer.replies.contains { $0.body == [0, 16, 0, 12] + words(1_000, 1) })
    // Once more: the same answer. A number out of order: refused.
    peer.give(request)
    #expect(peer.last(130) == [0, 16, 0, 12] + words(1_000, 1))
    peer.give(chunk(130, [0, 13, 0, 18] + words(1_005, 0, peer.tsn &- 1) + [0, 0]))
    #expect(peer.last(130) == [0, 16, 0, 12] + words(1_005, 5))
  }

  /// The response to our reset is lost, and the peer uses the stream again: it has done its part.
  @Test func anOpenAheadOfAResetsResponse() {
    let peer = HandPeer()
    peer.connect()
    peer.give(peer.open(stream: 0, label: "one"))
    let sent = word(peer.last(0) ?? [], at: 0)
    peer.give(chunk(3, words(sent, 1 << 20, 0)))
    peer.give(chunk(130, [0, 13, 0, 18] + words(1_000, 0, peer.tsn &- 1) + [0, 0]))
    let request = peer.replies.last { $0.type == 130 && $0.body[1] == 13 }?.body ?? []
    peer.give(peer.open(stream: 0, label: "two"))
    #expect(peer.events.opened.map(\.label) == [Array("one".utf8), Array("two".utf8)])
    #expect(peer.association.send("x".utf8, on: 0, kind: .text, at: peer.now) == .queued)
    peer.collect()
    // Late, it changes nothing any more: ACK and message have the numbers 0 and 1.
    peer.give(chunk(130, [0, 16, 0, 12] + Array(request[4..<8]) + words(1)))
    #expect(peer.association.send("y".utf8, on: 0, kind: .text, at: peer.now) == .queued)
    peer.collect()
    let sequences = peer.replies.filter { $0.type == 0 }.suffix(3).map { word($0.body, at: 4) }
    #expect(sequences == [0, 1, 2])
    #expect(peer.association.figures.channels == 1)
  }

  /// Without RE-CONFIG a channel just ends here, and nothing is asked of the peer.
  @Test func aPeerThatCannotReset() {
    let peer = HandPeer()
    peer.extensions = []
    peer.connect()
    peer.give(peer.open(stream: 0))
    peer.association.close(0)
    peer.collect()
    #expect(peer.events.closed == [0])
    #expect(peer.association.figures.channels == 0)
    #expect(peer.count(of: 130) == 0)
    // Nor is a message given up that has begun.
    peer.give(peer.open(stream: 2))
    peer.wait(milliseconds: 5_000)
    #expect(peer.count(of: 192) == 0)
  }

  /// A peer may take back what a gap block said, as long as its cumulative TSN has not passed it.
  @Test func anAcknowledgementTakenBack() {
    let peer = HandPeer()
    peer.connect()
    peer.give(peer.open(stream: 0))
    let first = word(peer.last(0) ?? [], at: 0)
    for text in ["one", "two", "three"] {
      #expect(peer.association.send(text.utf8, on: 0, kind: .text, at: peer.now) == .queued)
      peer.collect()
    }
    let third = first &+ 3
    let timesSent = { peer.replies.filter { $0.type == 0 && word($0.body, at: 0) == third }.count }
    #expect(timesSent() == 1)
    peer.give(chunk(3, words(first, 1 << 20, 0x0001_0000, 0x0003_0003)))
    peer.give(chunk(3, words(first, 1 << 20, 0)))
    peer.wait(milliseconds: 1_000)
    #expect(timesSent() >= 2)
    peer.give(chunk(3, words(third, 1 << 20, 0)))
    #expect(peer.association.figures.sendBufferBytes == 0)
  }

  /// One packet may wait 40 ms for company, the second not, nor one that asks for an answer.
  @Test func whenToAcknowledge() {
    let peer = HandPeer()
    peer.connect()
    peer.give(peer.open(stream: 0))
    peer.wait(milliseconds: 100)
    var sacks = peer.count(of: 3)
    peer.give(peer.data(stream: 0, sequence: 1, [1]))
    peer.wait(milliseconds: 39)
    #expect(peer.count(of: 3) == sacks)
    peer.wait(milliseconds: 1)
    #expect(peer.count(of: 3) == sacks + 1)
    sacks += 1
    peer.give(peer.data(stream: 0, sequence: 2, [1]))
    #expect(peer.count(of: 3) == sacks)
    peer.give(peer.data(stream: 0, sequence: 3, [1]))
    #expect(peer.count(of: 3) == sacks + 1)
    peer.give(peer.data(stream: 0, sequence: 4, flags: 11, [1]))
    #expect(peer.count(of: 3) == sacks + 2)
    // Behind a gap at once as well, with a block that says what is there.
    peer.tsn &+= 1
    peer.give(peer.data(stream: 0, sequence: 6, [1]))
    #expect(peer.count(of: 3) == sacks + 3)
    #expect(Array(peer.last(3)?.suffix(8) ?? []) == words(0x0001_0000, 0x0002_0002))
  }

  @Test func messageKindsAndPartialForm() {
    let peer = HandPeer()
    peer.connect()
    peer.give(peer.open(stream: 0))
    var sequence: UInt16 = 1
    for (protocolID, bytes) in [
      (56, [0]), (57, [0]), (54, [65]), (54, [66]), (51, [67]), (52, [1]), (53, [2]), (99, [3]),
    ] as [(UInt32, [UInt8])] {
      peer.give(peer.data(stream: 0, sequence: sequence, protocolID: protocolID, bytes))
      sequence += 1
    }
    let arrived = peer.events.messages
    #expect(arrived.map(\.bytes) == [[], [], [65, 66, 67], [1, 2]])
    #expect(arrived.map(\.kind) == [.text, .binary, .text, .binary])
    #expect(peer.association.figures.messagesUnclaimed == 1)
    #expect(peer.association.send([], on: 0, kind: .text, at: peer.now) == .queued)
    #expect(peer.association.send([], on: 0, kind: .binary, at: peer.now) == .queued)
    peer.collect()
    let sent = peer.replies.filter { $0.type == 0 }.suffix(2).map { Array($0.body[8...]) }
    #expect(sent == [words(56) + [0], words(57) + [0]])
  }

  @Test func sizesOfMessages() {
    let peer = HandPeer { $0.peerMessageBytesMax = 1_000 }
    peer.connect()
    peer.give(peer.open(stream: 0))
    let exact = [UInt8](repeating: 1, count: 1_000)
    #expect(peer.association.send(exact, on: 0, kind: .text, at: peer.now) == .queued)
    #expect(peer.association.send(exact + [1], on: 0, kind: .text, at: peer.now) == .tooLong)
    #expect(peer.association.send([1], on: 2, kind: .text, at: peer.now) == .noChannel)
    #expect(peer.association.open(label: [UInt8](repeating: 1, count: 1_025)) == .tooLong)
  }
}
