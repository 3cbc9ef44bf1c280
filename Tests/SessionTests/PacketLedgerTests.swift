import CallClient
import Session
import Testing
import Wire

/// What a caller says of its losses is what the network between it and a real session lost.
@Suite struct PacketLedgerTests {
  /// A call of five seconds, and what a network lost of its RTP.
  private final class Run {
    let call: CallPair
    private(set) var lost: [CallPair.Way: UInt64] = [:]
    private var counts: [CallPair.Way: Int] = [:]
    var loses: (CallPair.Way, Int, _ isRtp: Bool) -> Bool = { _, _, _ in false }

    init() throws {
      call = try CallPair(network: { _ in [20] })
      call.network = { [unowned self] datagram in passes(datagram) ? [20] : [] }
    }

    private func passes(_ datagram: CallPair.Datagram) -> Bool {
      let isRtp =
        DatagramKind.classify(firstByte: datagram.bytes[0]) == .media
        && !(192...223).contains(datagram.bytes[1])
      if isRtp { counts[datagram.way, default: 0] += 1 }
      guard loses(datagram.way, counts[datagram.way] ?? 0, isRtp) else { return true }
      if isRtp { lost[datagram.way, default: 0] += 1 }
      return false
    }

    /// Speaks, falls silent, and hears until all is known or for 2.5 s; how long that took.
    func finish() -> UInt64 {
      call.run(5_000)
      call.client.stopSpeaking(at: call.now)
      let silent = call.now
      call.run(2_500) { call.client.isSettled(at: call.now) }
      return call.now.milliseconds(since: silent)
    }

    var packets: PacketLedger { call.client.figures.packets }
  }

  @Test func nothingIsLostWhereNothingWasLost() throws {
    let run = try Run()
    #expect(run.finish() < 1_500, "the session reports each second")
    let packets = run.packets
    #expect(packets.sent > 230)
    #expect(packets.arrived == packets.sent && packets.returned == packets.sent)
    #expect(packets.lostToServer == 0 && packets.lostFromServer == 0 && packets.unreported == 0)
    #expect(packets.sentByServer == packets.received)
    #expect(run.call.client.figures.tone.rightWindows == run.call.client.figures.tone.windows)
  }

  @Test(arguments: [CallPair.Way.up, .down])
  func everyFourthIsLostOnOneWay(way: CallPair.Way) throws {
    let run = try Run()
    run.loses = { $2 && $0 == way && $1 % 4 == 0 }
    #expect(run.finish() < 1_500)
    let (packets, lost) = (run.packets, try #require(run.lost[way]))
    #expect(lost > 50)
    #expect(packets.lostToServer == (way == .up ? lost : 0))
    #expect(packets.lostFromServer == (way == .down ? lost : 0))
    // What a session returns of a quarter that it did not hear is made up.
    if way == .down { #expect(packets.notReturned + 15 > lost && packets.notReturned <= lost) }
  }

  /// Nothing comes after what is lost, so no gap shows it: the server's own count does.
  @Test func theLastQuarterNeverCameBack() throws {
    let run = try Run()
    run.loses = { $2 && $0 == .down && $1 > 180 }
    #expect(run.finish() < 1_500)
    let (packets, lost) = (run.packets, try #require(run.lost[.down]))
    #expect(packets.received == 180 && packets.notReturned == packets.sent - 180)
    // The count comes with a report: what was sent after the last one is not in it.
    #expect(packets.lostFromServer <= lost && packets.lostFromServer + 52 > lost)
    #expect(packets.lostToServer == 0)
  }

  /// Reports do not come either: what nobody tells of is no longer called well arrived.
  @Test func silenceIsLoss() throws {
    let run = try Run()
    run.loses = { way, _, _ in way == .down && run.call.elapsedMilliseconds > 3_000 }
    #expect(run.finish() == 2_500)
    let packets = run.packets
    #expect(packets.unreported > 90)
    #expect(packets.lostToServer == packets.unreported)
    #expect(packets.notReturned > 90)
  }

  /// Those before the first that came are in no gap either; the server's count has them.
  @Test func theFirstPacketsOfTheServerAreMissed() throws {
    let run = try Run()
    run.loses = { $2 && $0 == .down && $1 <= 30 }
    #expect(run.finish() < 1_500)
    #expect(run.packets.lostFromServer == 30)
  }

  @Test func overtakingIsNoLoss() throws {
    let run = try Run()
    var random = SeededRandom(seed: 4)
    run.call.network = { _ in [UInt64.random(in: 5...60, using: &random)] }
    _ = run.finish()
    let packets = run.packets
    #expect(packets.lostToServer == 0 && packets.notReturned == 0)
    #expect(packets.lostFromServer == 0)
  }
}
