import CProbe
import Testing
import Token
import Trunk
import Wire

@testable import RelayCore

/// The packet path asks nothing of the heap and nothing of reference counts. Run alone:
/// `swift test --disable-xctest --no-parallel --filter Budget`.
@Suite("Budget of the relay", .serialized, .enabled(if: probe_is_alone()))
struct BudgetTests {
  /// Hands `packets` in a thousand times, drained as the runtime does, and expects to be charged
  /// nothing.
  private func expectFree(
    _ bench: inout Bench, _ packet: [UInt8], isTrunk: Bool = false,
    differentClients: Bool = false, _ location: SourceLocation = #_sourceLocation
  ) {
    let now = bench.now
    let peer = isTrunk ? Bench.transceivers[0].address : Bench.client
    let charged = unsafe packet.withUnsafeBytes { bytes in
      probe_begin()
      // A `for` over a range allocates in debug builds.
      var number: UInt32 = 0
      while number < 1000 {
        let client = differentClients ? TransportAddress(ipv4: number + 1, port: 9) : peer
        let datagram = unsafe ReceivedDatagram(bytes: bytes, isTruncated: false, peer: client)
        if isTrunk {
          bench.worker.takeTrunkDatagram(datagram, at: now)
        } else {
          bench.worker.announce(client: client, listener: 0)
          bench.worker.takeClientDatagram(datagram, listener: 0, at: now)
        }
        if number % 8 == 7 {
          bench.worker.finishBatch()
          bench.worker.reset()
          _ = bench.worker.onTurn(at: now)
        }
        number += 1
      }
      return probe_end()
    }
    #expect(charged.mallocs == 0, "mallocs", sourceLocation: location)
    #expect(charged.frees == 0, "frees", sourceLocation: location)
    #expect(charged.retains == 0, "retains", sourceLocation: location)
    #expect(charged.releases == 0, "releases", sourceLocation: location)
    #expect(charged.objects == 0, "objects", sourceLocation: location)
  }

  @Test func aClientsDataIsFree() {
    var bench = Bench()
    _ = bench.speak(from: 0)
    expectFree(&bench, Bench.media())
    expect(bench.worker.counters[.clientForwardedByRoute] == 1000)
  }

  @Test func aChallengedClientsDataIsFree() {
    var bench = Bench()
    _ = bench.speak(from: 0)
    _ = bench.speak(from: 1)
    expectFree(&bench, Bench.media())
    expect(bench.worker.counters[.clientForwardedToBoth] == 1000)
  }

  @Test func theFirstCheckOfEachClientIsFree() {
    var bench = Bench()
    let check = bench.check(bench.token(for: 1))
    expectFree(&bench, check, differentClients: true)
    expect(bench.worker.counters[.clientForwardedByToken] == 1000)
    expect(bench.worker.counters[.candidateOpened] == 1000)
  }

  @Test func theWayDownIsFree() {
    var bench = Bench()
    let frames = (1...7).map {
      (TrunkFrame(listener: 0, client: TransportAddress(ipv4: $0, port: 5)), Bench.media())
    }
    expectFree(&bench, bench.down(frames), isTrunk: true)
    expect(bench.worker.counters[.frameDelivered] == 7000)
    expect(bench.worker.counters[.routeLearned] == 7)
  }

  @Test func refusalsAreFree() {
    var bench = Bench()
    var random = SeededRandom(seed: 5)
    let foreign = RoutingKeys.generate(random: &random)
    expectFree(&bench, Bench.media())
    expectFree(&bench, bench.check(bench.token(for: 0, keys: foreign)))
    expectFree(&bench, bench.check(bench.token(for: 0), integrity: false))
    expectFree(&bench, [0, 1, 0, 0])
    expectFree(&bench, [0x12, 0, 0], isTrunk: true)
    expect(bench.worker.counters.total(of: .client) == 4000)
    expect(bench.worker.counters.total(of: .trunk) == 1000)
  }
}
