import Testing
import Wire

@testable import RelayCore

@Suite struct CandidateTableTests {
  private let flows = TestFlows(routesMax: 512)

  private func key(_ number: Int) -> RouteKey {
    RouteKey(listener: 0, client: TransportAddress(ipv4: UInt32(number), port: 5000))
  }

  private func table(_ candidatesMax: Int) -> CandidateTable {
    var random = SeededRandom(seed: 3)
    return unsafe CandidateTable(
      flows.memory.candidates, candidatesMax: candidatesMax, hash: RouteHash(random: &random))
  }

  private let start = Instant(nanoseconds: 5_000_000_000)

  @Test func livesTwoSecondsAndIsRenewedByAnotherCheck() {
    var table = table(64)
    expect(table.note(key(1), owner: 9, at: start) == .opened)
    let before = start.advanced(byMilliseconds: 1999)
    expect(table.owner(of: key(1), at: before) == 9)
    expect(table.owner(of: key(1), at: start.advanced(byMilliseconds: 2000)) == -1)
    expect(table.note(key(1), owner: 9, at: before) == .renewed)
    expect(table.owner(of: key(1), at: start.advanced(byMilliseconds: 2000)) == 9)
  }

  @Test func aFloodEvictsOnlyTheOldestAndStaysBounded() {
    var table = table(64)
    var evictions = 0
    for number in 0..<1000 {
      let now = start.advanced(byMilliseconds: UInt64(number))
      evictions += table.note(key(number), owner: 1, at: now) == .displaced ? 1 : 0
    }
    expect(table.candidatesMax == 64)
    let now = start.advanced(byMilliseconds: 1000)
    let alive = (0..<1000).filter { table.owner(of: key($0), at: now) >= 0 }
    expect(alive.count <= 64)
    expect(evictions == 1000 - alive.count)
    expect(table.owner(of: key(999), at: now) == 1)
  }

  @Test func removalForgetsOneFlow() {
    var table = table(64)
    _ = table.note(key(1), owner: 1, at: start)
    _ = table.note(key(2), owner: 2, at: start)
    expect(table.remove(key(1), at: start))
    expect(!table.remove(key(1), at: start))
    expect(table.owner(of: key(1), at: start) == -1)
    expect(table.owner(of: key(2), at: start) == 2)
  }
}
