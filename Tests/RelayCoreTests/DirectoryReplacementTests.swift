import CProbe
import Testing
import Trunk
import Wire

@testable import RelayCore

/// A worker that is given another directory while it works.
@Suite struct DirectoryReplacementTests {
  private let media = Bench.media()
  private let all = Bench.transceivers

  @Test func oneThatCameLaterIsServed() throws {
    var bench = Bench()
    try bench.replaceDirectory([all[0]])
    let check = bench.check(bench.token(for: 2))
    expect(bench.takeClient([check]) == [])
    expect(bench.worker.counters[.clientUnknownTransceiver] == 1)
    try bench.replaceDirectory(all)
    expect(bench.takeClient([check]) == [Bench.up(2, [check])])
    _ = bench.speak(from: 2)
    expect(bench.takeClient([media]) == [Bench.up(2, [media])])
  }

  /// Who is away is sent nothing and not listened to; its routes wait for it, or for their end.
  @Test func oneThatIsAwayLosesItsPacketsAndKeepsItsRoutes() throws {
    var bench = Bench { $0.routesMax = 100 }
    _ = bench.speak(from: 1)
    try bench.replaceDirectory([all[0]])
    expect(bench.takeClient([media, bench.binding(.bindingSuccess)]) == [])
    expect(bench.worker.counters[.clientWithoutRoute] == 2)
    expect(bench.worker.counters[.bytesUp] == 0)
    expect(bench.speak(from: 1) == [])
    expect(bench.worker.counters[.trunkUnknownTransceiver] == 1)
    expect(bench.worker.routeCount == 1)
    try bench.replaceDirectory([all[1]])
    expect(bench.takeClient([media]) == [Bench.up(1, [media])])
    try bench.replaceDirectory([all[0]])
    bench.now = bench.now.advanced(byMilliseconds: 60_001)
    _ = bench.worker.onTurn(at: bench.now)
    expect(bench.worker.routeCount == 0)
    expect(bench.worker.counters[.routeExpired] == 1)
  }

  @Test func aFlowThatWaitsForOneThatIsAwayWaitsInVain() throws {
    var bench = Bench()
    _ = bench.takeClient([bench.check(bench.token(for: 1))])
    try bench.replaceDirectory([all[0]])
    expect(bench.takeClient([media]) == [])
    expect(bench.worker.counters[.clientWithoutRoute] == 1)
  }

  /// Of two that serve a client the one that is there has it to itself, whichever it is.
  @Test(arguments: 0...1) func theOtherOneServesAlone(away: Int) throws {
    var bench = Bench()
    _ = bench.speak(from: 0)
    _ = bench.speak(from: 1)
    try bench.replaceDirectory([all[1 - away], all[2]])
    expect(bench.takeClient([media]) == [Bench.up(1 - away, [media])])
    expect(bench.worker.counters[.clientForwardedByRoute] == 1)
    try bench.replaceDirectory([all[2]])
    expect(bench.takeClient([media]) == [])
    expect(bench.worker.counters[.clientWithoutRoute] == 1)
    try bench.replaceDirectory(all)
    expect(bench.takeClient([media]) == [Bench.up(0, [media]), Bench.up(1, [media])])
    expect(bench.worker.counters.total(of: .client) == 3)
  }

  @Test func aClientOfOneThatIsAwayMovesWithItsNextCheck() throws {
    var bench = Bench()
    _ = bench.speak(from: 0, proven: true)
    try bench.replaceDirectory([all[1]])
    let check = bench.check(bench.token(for: 1))
    expect(bench.takeClient([check]) == [Bench.up(1, [check])])
    _ = bench.speak(from: 1)
    expect(bench.takeClient([media]) == [Bench.up(1, [media])])
    _ = bench.speak(from: 1, proven: true)
    expect(bench.worker.counters[.routeChangedOwner] == 1)
  }

  @Test func aTransceiverThatMovesIsFollowed() throws {
    var bench = Bench()
    _ = bench.speak(from: 0)
    _ = bench.takeClient([media])
    let there = TransportAddress(ipv4: 0x0A00_0009, port: 4_009)
    try bench.replaceDirectory([TransceiverEntry(id: all[0].id, address: there)])
    let frame = Sent.Frame(listener: 0, client: Bench.client, bytes: media)
    let sent = bench.takeClient([media])
    #expect(sent == [.up(transceiver: all[0].id, to: there, frames: [frame])])
    // What was counted of it goes on.
    let traffic = bench.worker.traffic
    #expect(traffic.map(\.sent) == [2, 0, 0] && traffic.map(\.heard) == [1, 0, 0])
  }

  @Test func theReplacementAllocatesAndFreesNothing() throws {
    var bench = Bench()
    try bench.places.replace(with: [all[2], all[0]])
    var directory = TransceiverDirectory(bench.places)
    probe_begin()
    bench.worker.replaceDirectory(with: &directory)
    let charged = probe_end()
    #expect(charged.mallocs == 0 && charged.frees == 0 && charged.objects == 0)
    // The former one came back, to be freed here.
    expect(directory.place(of: all[1].id) == 1)
  }

  /// What the packets of an unfinished batch lie in, and are for, must not change under them.
  @Test func onlyBetweenTwoBatches() async {
    await #expect(processExitsWith: .failure) {
      var bench = Bench()
      _ = bench.speak(from: 0)
      unsafe Bench.media().withUnsafeBytes {
        unsafe bench.worker.takeClientDatagram(
          ReceivedDatagram(bytes: $0, isTruncated: false, peer: Bench.client), listener: 0,
          at: bench.now)
      }
      try bench.replaceDirectory([Bench.transceivers[0]])
    }
  }

  /// A directory of other places would send calls to strangers.
  @Test func onlyOfTheSamePlaces() async {
    await #expect(processExitsWith: .failure) {
      var bench = Bench()
      bench.places = try TransceiverPlaces(Bench.transceivers.reversed())
      try bench.replaceDirectory(Bench.transceivers)
    }
  }
}
