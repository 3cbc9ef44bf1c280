import Backends
import Session
import Srtp
import Testing
import Voice
import Wire

@testable import CallClient

/// Hears promptly, as a service does, and counts.
final class Listener: VoiceBackend {
  let rate = PcmRate.hertz16000
  let pacerMilliseconds = 1_000
  let hearsPromptly: Bool
  private(set) var frames: [HeardFrame: Int] = [:]
  private var meter = ToneMeter(rate: .hertz16000)
  private(set) var windows = 0
  private(set) var rightWindows = 0

  init(hearsPromptly: Bool = true) { self.hearsPromptly = hearsPromptly }

  func hear(_ voice: HeardVoice, at now: Instant, pacer: inout Pacer) -> BackendEvents {
    frames[voice.frame, default: 0] += 1
    if unsafe meter.hear(voice.samples), let reading = meter.reading {
      let isRight = abs(reading.hertz - CallPair.tone.hertz) < 3 && reading.purity > 0.9
      if isRight { rightWindows += 1 }
      if rightWindows > 0 { windows += 1 }
    }
    return []
  }
}

/// A client's voice on a bad network, by what was agreed on against it.
@Suite struct RepairTests {
  struct Repair: Hashable {
    var nack = false
    var red = false
  }

  private struct Run {
    let call: CallPair
    let listener: Listener
    var lost: UInt64

    var figures: SessionFigures { call.session.figures }
  }

  /// Half a minute of a call whose network loses, of what the client says, what `loses` says;
  /// copies are lost as well. 20 ms each way.
  private func run(
    _ repair: Repair, hearsPromptly: Bool = true, loses: @escaping (inout SeededRandom) -> Bool
  ) throws -> Run {
    let listener = Listener(hearsPromptly: hearsPromptly)
    let call = try CallPair(
      answering: listener, network: { _ in [20] },
      offering: {
        $0.offersNack = repair.nack
        $0.red = repair.red ? .beforeOpus : .none
      })
    call.run(2_000)
    #expect(call.isConnected)
    var random = SeededRandom(seed: 3)
    var lost: UInt64 = 0
    var seen: Set<[UInt8]> = []
    call.network = { datagram in
      guard Self.isVoice(datagram), loses(&random) else { return [20] }
      if seen.insert(Array(datagram.bytes[2..<4])).inserted { lost += 1 }
      return []
    }
    call.run(30_000)
    call.network = { _ in [20] }
    call.run(1_500)
    return Run(call: call, listener: listener, lost: lost)
  }

  private static func isVoice(
    _ datagram: CallPair.Datagram, _ way: CallPair.Way = .up
  ) -> Bool {
    datagram.way == way && DatagramKind.classify(firstByte: datagram.bytes[0]) == .media
      && !(192...223).contains(datagram.bytes[1])
  }

  private static func tenth(_ random: inout SeededRandom) -> Bool { random.next() % 10 == 0 }

  @Test func `without anything losses are made up for`() throws {
    let run = try run(Repair(), loses: Self.tenth)
    #expect(run.lost > 100)
    let made = run.figures.piecesConcealed + run.figures.packetsRecovered
    #expect(made + 5 > run.lost)
    #expect(run.figures.packetsAskedFor + run.figures.packetsRestored == 0)
  }

  @Test(arguments: [false, true])
  func `what is asked for again comes again`(withRed: Bool) throws {
    let run = try run(Repair(nack: true, red: withRed), loses: Self.tenth)
    let figures = run.figures
    #expect(run.lost > 100)
    if withRed {
      #expect(figures.packetsRestored * 10 > run.lost * 8)
      #expect(figures.packetsAskedFor < run.lost / 3)
    } else {
      #expect(figures.packetsResent * 10 > run.lost * 9)
    }
    let made = figures.piecesConcealed + figures.packetsRecovered
    #expect(made * 10 < run.lost)
    // Our reports go on saying what the network loses.
    #expect(figures.packetsLost >= Int64(run.lost) - 2)
    #expect(run.call.client.figures.packets.lostToServer + 2 > run.lost)
    #expect(run.listener.rightWindows * 100 > run.listener.windows * 95)
    #expect(figures.mediaRefused == 0)
  }

  @Test func `the packet before in each packet is enough for single losses`() throws {
    let run = try run(Repair(red: true)) { $0.next() % 50 == 0 }
    #expect(run.lost > 20)
    #expect(run.figures.packetsRestored + 3 > run.lost)
    #expect(run.figures.piecesConcealed + run.figures.packetsRecovered <= 3)
    #expect(run.figures.redMalformed == 0)
    #expect(run.figures.packetsLost >= Int64(run.lost) - 1)
  }

  @Test func `a paced listener gets a frame each 20 ms throughout`() throws {
    let run = try run(
      Repair(nack: true, red: true), hearsPromptly: false, loses: Self.tenth)
    let frames = run.listener.frames.values.reduce(0, +)
    #expect(abs(frames - 33_500 / 20) < 10)
    #expect(run.listener.rightWindows * 100 > run.listener.windows * 90)
  }

  /// The packet was on its way, and a copy was asked for: the second is a replay, and nothing bad.
  @Test func `a copy of what came after all has a counter of its own`() throws {
    let call = try CallPair(
      answering: Listener(), network: { _ in [20] }, offering: { $0.offersNack = true })
    call.run(2_000)
    var count = 0
    call.network = { datagram in
      guard Self.isVoice(datagram) else { return [20] }
      count += 1
      return count % 50 == 0 ? [50] : [20]
    }
    call.run(10_000)
    let figures = call.session.figures
    #expect(figures.rtpRepeated > 0)
    #expect(figures.mediaRefused == 0)
    #expect(figures.piecesConcealed + figures.packetsRecovered == 0)
    // Somebody else's copy of the same is refused.
    let voice = try #require(call.sent.last { Self.isVoice($0) }).bytes
    call.run(100)
    let before = call.session.figures
    #expect(call.inject(voice) == .refused)
    #expect(call.session.figures.mediaRefused == before.mediaRefused + 1)
    #expect(call.session.figures.datagrams == before.datagrams + 1)
  }

  @Test func `spikes give a service nothing that was not said`() throws {
    let listener = Listener()
    let call = try CallPair(answering: listener, network: { _ in [20] })
    call.run(2_000)
    call.network = { [unowned call] datagram in
      let age = call.elapsedMilliseconds % 5_000
      return [datagram.way == .up && age < 300 ? 320 - age : 20]
    }
    let before = listener.frames
    call.run(30_000)
    #expect(listener.frames[.silence] == before[.silence])
    #expect(listener.frames[.concealed] == before[.concealed])
    #expect(listener.frames[.voice, default: 0] - before[.voice, default: 0] > 1_485)
    #expect(listener.rightWindows == listener.windows)
    #expect(call.session.figures.debtMilliseconds == 0)
  }

  @Test func `RTCP that makes no sense is counted`() throws {
    let call = try CallPair()
    call.run(2_000)
    // A report whose padding counts nothing.
    try Self.tell(call, [0xA0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0])
    #expect(call.session.figures.rtcpMalformed == 1)
  }

  @Test func `what is asked for is heard behind many reports, and of many requests some`() throws {
    let call = try CallPair(offering: { $0.offersNack = true })
    call.run(2_000)
    let sent = try #require(call.sent.last { Self.isVoice($0, .down) }).bytes
    let source = Array(sent[8..<12])
    let number = UInt16(sent[2]) << 8 | UInt16(sent[3])
    func nack(_ number: UInt16) -> [UInt8] {
      [0x81, 205, 0, 3, 0, 0, 0, 1] + source + [UInt8(number >> 8), UInt8(number & 0xFF), 0, 0]
    }
    // Receiver reports without blocks.
    let reports = [[UInt8]](repeating: [0x80, 201, 0, 1, 0, 0, 0, 1], count: 9).flatMap { $0 }
    try Self.tell(call, reports + nack(number - 2))
    #expect(call.session.figures.rtpResent == 1)
    try Self.tell(call, (3...10).flatMap { nack(number - $0) })
    #expect(call.session.figures.rtpResent == 5)
  }

  /// The client asks for a packet again.
  static func ask(_ call: CallPair, for number: UInt16) throws {
    let sent = try #require(call.sent.last { isVoice($0, .down) }).bytes
    try tell(
      call,
      [0x81, 205, 0, 3, 0, 0, 0, 1] + sent[8..<12]
        + [UInt8(number >> 8), UInt8(number & 0xFF), 0, 0])
  }

  /// Gives the call's server this RTCP of its client.
  static func tell(_ call: CallPair, _ plain: [UInt8]) throws {
    let media = try #require(call.client.media)
    var length = plain.count
    var bytes = plain + [UInt8](repeating: 0, count: 80)
    let status = unsafe bytes.withUnsafeMutableBytes {
      unsafe media.srtp.protectRtcp($0, length: &length)
    }
    #expect(status == .ok)
    call.inject(Array(bytes[..<length]))
  }

  /// What exceeds the allowance waits, and is soon caught up with.
  @Test func `a flood after a stall is heard at once, and leaves no delay`() throws {
    let listener = Listener()
    let call = try CallPair(answering: listener, network: { _ in [20] })
    call.run(2_000)
    let start = call.elapsedMilliseconds
    call.network = { [unowned call] datagram in
      let age = call.elapsedMilliseconds - start
      return [datagram.way == .up && age < 2_600 ? 2_620 - age : 20]
    }
    call.run(2_700)
    let before = listener.frames[.voice, default: 0]
    call.run(5_000)
    // The 250 of these seconds, and what was left of the 130.
    #expect(listener.frames[.voice, default: 0] - before >= 275)
    let settled = listener.frames[.voice, default: 0]
    call.run(2_000)
    #expect(99...101 ~= listener.frames[.voice, default: 0] - settled)
    #expect(call.session.figures.bufferedMilliseconds <= 40)
  }
}
