import Backends
import CallClient
import Dtls
import Session
import Testing
import Wire

/// The scripts of calls that end early, or never begin, or are disturbed.
extension GoldenCallTests {
  static func hangUp(_ journal: CallJournal) throws {
    for (title, time, reason) in [
      ("before anything came", 5, .hungUp), ("in the handshake", 65, .shuttingDown),
      ("in the middle of a word", 700, .hungUp),
    ] as [(String, UInt64, SessionEnd)] {
      journal.title(title)
      let call = try CallPair(
        backend: .realtime, channels: [CallerChannelOptions(label: "oai-events")],
        journal: journal, network: { _ in [20] })
      call.run(time)
      call.hangUp(reason)
      // Nothing follows.
      call.join()
      call.news(.opened)
      call.hangUp()
      call.run(500)
      journal.finish(call)
    }
    journal.title("longer than a call may be")
    let call = try CallPair(
      journal: journal, network: { _ in [20] }, change: { $0.limits.sessionMilliseconds = 400 })
    call.run(1_000)
    journal.finish(call)
  }

  static func neverConnected(_ journal: CallJournal) throws {
    for setup in [CallClientOptions.Setup.actpass, .passive] {
      journal.title("nothing of DTLS arrives, \(setup)")
      let call = try CallPair(
        setup: setup, journal: journal, network: { $0.bytes[0] < 4 ? [20] : [] })
      call.run(60_000) { call.session.end != nil }
      journal.finish(call)
    }
    journal.title("no proof that the client hears us, whose offer was short")
    let unheard = try CallPair(
      setup: .passive, journal: journal, network: { $0.way == .up ? [20] : [] },
      change: { $0.offerByteCount = 300 })
    unheard.run(60_000) { unheard.session.end != nil }
    journal.finish(unheard)
    journal.title("nothing arrives")
    let silent = try CallPair(journal: journal, network: { _ in [] })
    silent.run(60_000) { silent.session.end != nil }
    journal.finish(silent)
    journal.title("another certificate")
    let other = try CallPair(
      expecting: CallPair.identity, journal: journal, network: { _ in [20] })
    other.run(5_000) { other.session.end != nil }
    journal.finish(other)
    journal.title("consent is lost")
    let lost = try CallPair(
      keepsConsent: false, journal: journal, network: { _ in [20] },
      change: { $0.sendsAudio = false })
    lost.run(500)
    lost.network = { _ in [] }
    lost.run(60_000) { lost.session.end != nil }
    journal.finish(lost)
  }

  /// What is told of each datagram is whether it was taken; what follows from it is in the journal.
  static func hostile(_ journal: CallJournal) throws {
    let call = try CallPair(
      channels: [CallerChannelOptions(label: "oai-events")], journal: journal,
      network: { _ in [20] })
    var stranger = call.path
    stranger.client = TransportAddress(ipv4: 0xC633_6407, port: 6_666)
    var random = SeededRandom(seed: 9)
    func inject(_ bytes: [UInt8], by path: PathID? = nil, _ what: String) {
      let isTaken = call.inject(bytes, by: path) == .accepted
      journal.note("\(isTaken ? "took" : "left") \(what)", at: call.now)
    }
    func noise(_ first: UInt8, _ length: Int) -> [UInt8] {
      [first] + (1..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
    inject([22] + noise(0xFE, 60), "DTLS before a check")
    inject(noise(0x80, 60), "media before a check")
    call.run(300)
    let check = try #require(call.sent.first { $0.way == .up && $0.bytes[0] == 0 }).bytes
    inject(check, by: stranger, "a check of the client's, from elsewhere")
    for length in stride(from: 0, to: check.count, by: 3) {
      inject(Array(check[..<length]), "a check of \(length) bytes")
    }
    for place in 0..<check.count where place % 5 == 0 {
      var bytes = check
      bytes[place] ^= 0x41
      inject(bytes, "a check with another byte \(place)")
    }
    call.run(300)
    let voice = try #require(call.sent.last { $0.way == .up && isVoice($0) }).bytes
    inject(voice, "voice before its time")
    inject(voice, "the same again")
    inject(voice, by: stranger, "voice from elsewhere")
    for length in stride(from: 1, to: 40, by: 4) {
      inject(Array(voice[..<length]), "\(length) bytes of voice")
    }
    call.run(300)
    for first in stride(from: 0, through: 255, by: 15) {
      for length in [1, 13, 28, 200] {
        inject(noise(UInt8(first), length), "noise \(first) of \(length)")
      }
    }
    for kind in 20...24 as ClosedRange<UInt8> {
      for epoch in 0...2 as ClosedRange<UInt8> {
        let record = [kind, 0xFE, 0xFD, 0, epoch, 1, 0, 0, 0, 0, kind, 0, 20]
        inject(record + noise(2, 20), "a forged record \(kind) of epoch \(epoch)")
      }
    }
    journal.note("RTCP whose padding counts nothing, and a report of no source", at: call.now)
    try RepairTests.tell(call, [0xA0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0])
    try RepairTests.tell(call, [0x80, 201, 0, 1, 0, 0, 0, 1])
    call.run(600)
    call.hangUp()
    call.run(100)
    journal.finish(call)
  }
}
