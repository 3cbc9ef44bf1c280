import Sctp
import Testing
import Wire

@Suite("SCTP: a peer that lies")
struct HostilePeerTests {
  private func connected(_ tune: (inout SctpParameters) -> Void = { _ in }) -> HandPeer {
    let peer = HandPeer(tune)
    peer.connect()
    #expect(peer.events == [.associationUp])
    #expect(peer.count(of: 11) == 1)
    return peer
  }

  @Test func hugeTsnGaps() {
    let peer = connected()
    for step in stride(from: 2_048 as UInt32, to: 0x7FFF_0000, by: 0x0012_3457) {
      let chunk = peer.data(stream: 0, sequence: 0, tsn: peer.tsn &+ step, [1])
      peer.give(chunk)
    }
    #expect(peer.association.figures.dataWithoutRoom > 1_000)
    #expect(peer.association.figures.receiveBufferBytes == 0)
    // The furthest that is kept, and the whole comb below it.
    for offset in stride(from: 2_047 as UInt32, to: 0, by: -2) {
      peer.give(peer.data(stream: 0, sequence: 0, flags: 0, tsn: peer.tsn &+ offset, [1]))
    }
    #expect(peer.association.figures.receiveBufferBytes == 1_024)
    let sack = peer.last(3) ?? []
    #expect(sack.count <= 12 + 4 * 64 + 4 * 16)
    #expect(peer.association.isUp)
  }

  @Test func manyChunksInOnePacketCostFewLooks() {
    let peer = connected()
    peer.give(peer.open(stream: 0))
    let before = peer.association.figures
    // All that can wait above a gap, then many more pieces in one packet.
    peer.give(peer.data(stream: 0, sequence: 7, flags: 0, tsn: peer.tsn &+ 2_047, [1]))
    var pieces: [UInt8] = []
    for offset in 0..<60 as Range<UInt32> {
      pieces += peer.data(stream: 0, sequence: 7, flags: 0, tsn: peer.tsn &+ 2_000 &- offset, [1])
    }
    peer.give(pieces)
    // Skipping TSNs one by one is no way around.
    pieces = []
    for offset in 0..<100 as Range<UInt32> {
      pieces += chunk(192, words(peer.tsn &+ offset))
    }
    peer.give(pieces)
    let after = peer.association.figures
    #expect(after.receiveBufferBytes - before.receiveBufferBytes == 61)
    #expect(after.looksBeyondGaps - before.looksBeyondGaps == 1 + 5 + 1)
    #expect(peer.association.isUp)
  }

  @Test func onlyOneAcknowledgementOfAPacketIsTaken() {
    let peer = connected()
    peer.give(peer.open(stream: 0))
    let sack = chunk(3, words(peer.theirTsn &- 1, 1 << 20, 0))
    let before = peer.association.figures.chunksOutOfPlace
    peer.give(sack, sack, sack)
    #expect(peer.association.figures.chunksOutOfPlace == before + 2)
    peer.give(sack)
    #expect(peer.association.figures.chunksOutOfPlace == before + 2)
    #expect(peer.association.isUp)
  }

  @Test func acknowledgementsOfWhatWasNeverSent() {
    let peer = connected()
    peer.give(peer.open(stream: 0))
    #expect(peer.association.send("x".utf8, on: 0, kind: .text, at: peer.now) == .queued)
    peer.collectPackets()
    let first = peer.theirTsn
    for cumulative in [first &+ 2, first &+ 100, first &+ 0x4000_0000] {
      peer.give(chunk(3, words(cumulative, 1 << 20, 0)))
    }
    #expect(peer.association.figures.sacksImpossible == 3)
    // Gap blocks that point beyond, backwards, or at each other.
    for block in [0x0001_FFFF, 0x0009_0001, 0x0000_0000, 0x0003_0003] as [UInt32] {
      peer.give(chunk(3, words(first &- 1, 1 << 20, 0x0001_0000, block)))
    }
    #expect(peer.association.figures.sacksImpossible == 7)
    peer.give(chunk(3, words(first &- 1, 1 << 20, 0x0002_0000, 0x0002_0002, 0x0002_0002)))
    #expect(peer.association.figures.sacksImpossible == 8)
    // More blocks stated than there are.
    peer.give(chunk(3, words(first &- 1, 1 << 20, 0xFFFF_FFFF, 0x0002_0002)))
    #expect(peer.association.figures.chunksMalformed == 1)
    #expect(peer.association.figures.sendBufferBytes > 0)
    peer.give(chunk(3, words(first &+ 1, 1 << 20, 0)))
    #expect(peer.association.figures.sendBufferBytes == 0)
  }

  @Test func forwardTsnFarAhead() {
    let peer = connected()
    peer.give(peer.open(stream: 0))
    for offset in stride(from: 2 as UInt32, to: 200, by: 2) {
      peer.give(peer.data(stream: 0, sequence: 9, flags: 2, tsn: peer.tsn &+ offset, [1, 2, 3]))
    }
    let target = peer.tsn &+ 0x7FFF_0000
    peer.give(chunk(192, words(target, 0x0000_0005)))
    #expect(peer.association.figures.receiveBufferBytes == 0)
    #expect(word(peer.last(3) ?? [], at: 0) == target)
    // Back again is old.
    peer.give(chunk(192, words(target &- 1_000, 0)))
    #expect(word(peer.last(3) ?? [], at: 0) == target)
    peer.tsn = target &+ 1
    peer.give(peer.data(stream: 0, sequence: 6, Array("after".utf8)))
    #expect(peer.events.texts == ["after"])
  }

  @Test func aMessageWithoutEnd() {
    let peer = connected()
    peer.give(peer.open(stream: 0))
    var heldMax = 0
    var flags: UInt8 = 2
    while peer.association.isUp, peer.tsn < 10_000 {
      peer.give(
        peer.data(stream: 0, sequence: 1, flags: flags, [UInt8](repeating: 7, count: 1_000)))
      flags = 0
      heldMax = max(heldMax, peer.association.figures.receiveBufferBytes)
    }
    #expect(peer.events.loss == .messageTooLong)
    #expect(heldMax <= 262_144 + 1_000)
    #expect(peer.count(of: 6) == 1)
  }

  @Test func thousandsOfStreams() {
    let peer = connected()
    for stream in 0..<5_000 as Range<UInt16> { peer.give(peer.open(stream: stream)) }
    #expect(peer.events.opened.count == 64)
    #expect(peer.association.figures.channels == 64)
    #expect(peer.association.figures.channelsRefused == 4_936)
    // Messages on streams that are no channels.
    for stream in 5_000..<15_000 as Range<UInt16> {
      peer.give(peer.data(stream: stream, sequence: 0, [1]))
    }
    #expect(peer.association.figures.messagesUnclaimed == 10_000)
    #expect(peer.association.figures.receiveBufferBytes == 0)
    #expect(peer.association.figures.sendBufferBytes <= 524_288)
    peer.give(peer.data(stream: 3, sequence: 1, Array("still here".utf8)))
    #expect(peer.events.texts == ["still here"])
  }

  /// Opens and resets without ever acknowledging anything.
  @Test func endlessOpeningAndResetting() {
    let peer = connected()
    for round in 0..<3_000 as Range<UInt32> {
      peer.give(peer.open(stream: 0))
      let value = words(1_000 &+ round, 0, peer.tsn &- 1) + [0, 0]
      peer.give(chunk(130, [0, 13, 0, 18] + value))
    }
    let figures = peer.association.figures
    #expect(figures.channels <= 64)
    #expect(figures.sendBufferBytes <= 524_288)
  }

  @Test func aWindowThatStaysShut() {
    let peer = connected { $0.peerMessageBytesMax = 0 }
    peer.give(peer.open(stream: 0))
    peer.give(chunk(3, words(peer.theirTsn, 0, 0)))
    var queued = 0
    let message = [UInt8](repeating: 1, count: 10_000)
    while peer.association.send(message, on: 0, kind: .binary, at: peer.now) == .queued {
      queued += 1
    }
    #expect(queued == 52)
    #expect(peer.association.figures.refusals == 1)
    let before = peer.count(of: 0)
    for _ in 0..<600 {
      peer.wait(milliseconds: 1_000)
      peer.give(chunk(3, words(peer.theirTsn, 0, 0)))
    }
    // Probes, as rarely as the timer says, and no end as long as the peer answers.
    #expect(peer.association.isUp)
    #expect((60...2_000).contains(peer.count(of: 0) - before))
    #expect(peer.association.figures.sendBufferBytes <= 524_288)
    // It opens: everything flows.
    while peer.association.figures.sendBufferBytes > 0 {
      let sent = peer.replies.last { $0.type == 0 }.map { word($0.body, at: 0) } ?? 0
      peer.give(chunk(3, words(sent, 1 << 20, 0)))
      peer.wait(milliseconds: 10)
    }
    #expect(peer.events.contains(.sendBufferFree))
  }

  @Test func theWindowIsRespected() {
    let peer = connected { $0.peerMessageBytesMax = 0 }
    peer.give(peer.open(stream: 0))
    peer.give(chunk(3, words(peer.theirTsn, 3_000, 0)))
    let before = peer.count(of: 0)
    let message = [UInt8](repeating: 1, count: 100_000)
    #expect(peer.association.send(message, on: 0, kind: .binary, at: peer.now) == .queued)
    peer.collect()
    let sent = peer.replies.filter { $0.type == 0 }.dropFirst(before)
    #expect(sent.map { $0.body.count - 12 }.reduce(0, +) <= 3_000)
    #expect(sent.count == 2)
  }

  /// Nobody takes the events: what comes is refused, and the window says so.
  @Test func eventsThatNobodyTakes() {
    let wire = SctpWire(seed: 1)
    _ = wire.a.open(label: "x".utf8)
    #expect(wire.connect())
    wire.run { wire.events[0].opened.count == 1 }
    wire.takesEvents[1] = false
    var sent = 0
    for _ in 0..<2_000 {
      while wire.a.send(pattern(900, seed: UInt64(sent)), on: 0, kind: .binary, at: wire.now)
        == .queued
      {
        sent += 1
      }
      wire.run(forMilliseconds: 10)
    }
    let more = pattern(900, seed: 0)
    #expect(wire.a.send(more, on: 0, kind: .binary, at: wire.now) == .full)
    // Both buffers are full, and no more than that came through.
    #expect((900...1_200).contains(sent))
    #expect(wire.b.figures.receiveBufferBytes <= 524_288 + 2_000)
    wire.takesEvents[1] = true
    let start = wire.now
    wire.run { wire.events[1].messages.count == sent }
    // Told of the room, not found by a probe: those are seconds apart by now.
    #expect(wire.now.milliseconds(since: start) < 2_000)
    let arrived = wire.events[1].messages.enumerated()
    #expect(arrived.allSatisfy { $1.bytes == pattern(900, seed: UInt64($0)) })
    #expect(wire.events[1].messages.count == sent)
    #expect(wire.events[0].contains(.sendBufferFree))
  }

  @Test func heartbeatsAndErrorsAreBounded() {
    let peer = connected()
    let beat = chunk(4, [0, 1, 0, 200] + [UInt8](repeating: 1, count: 196))
    for _ in 0..<100 {
      let raw = packet(tag: peer.theirTag, beat, beat, beat, beat, chunk(0xFF, [1, 2, 3]))
      unsafe _ = peer.association.handle(raw.span.bytes, at: peer.now)
    }
    peer.collect()
    #expect(peer.count(of: 5) + peer.count(of: 9) == 16)
  }
}
