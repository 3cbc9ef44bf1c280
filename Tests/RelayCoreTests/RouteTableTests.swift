import Testing
import Wire

@testable import RelayCore

@Suite struct RouteTableTests {
  private let flows = TestFlows(routesMax: 1_000)

  private func key(_ number: Int) -> RouteKey {
    RouteKey(
      listener: UInt8(number % 2),
      client: TransportAddress(ipv4: 0x0A00_0000 + UInt32(number / 7), port: UInt16(number % 7)))
  }

  private func table(_ routesMax: Int, seed: UInt64 = 1) -> RouteTable {
    var random = SeededRandom(seed: seed)
    return unsafe RouteTable(
      flows.memory.routes, routesMax: routesMax, hash: RouteHash(random: &random))
  }

  private let start = Instant(nanoseconds: 1_000_000_000)

  @Test func aRouteTakes56BytesOfMemory() {
    expect(MemoryLayout<Route>.stride == 32)
    expect(RouteTable.bytes(routesMax: 1_000) == 56 * 1000)
    expect(unsafe flows.memory.routes.count == 56 * 1000)
    expect(MemoryLayout<Candidate>.stride == 32)
  }

  @Test func aFullTableRefusesAndLosesNothing() {
    var table = table(1000)
    for number in 0..<1000 {
      expect(table.insert(Route(key: key(number), owner: UInt16(number), at: start)))
    }
    expect(!table.insert(Route(key: key(1000), owner: 0, at: start)))
    for number in 0..<1000 {
      let slot = table.find(key(number))
      expect(slot >= 0 && table.route(at: slot).owner == UInt16(number))
    }
    expect(table.find(key(1000)) == -1)
    expect(table.count == 1000)
  }

  /// The memory is somebody else's: what is behind it is nobody's business of ours.
  @Test func memoryThatIsTooSmallOrOddIsRefused() async {
    await #expect(processExitsWith: .failure) {
      var random = SeededRandom(seed: 1)
      let flows = FlowMemory.allocate(routesMax: 1_000)
      _ = unsafe RouteTable(flows.routes, routesMax: 1_001, hash: RouteHash(random: &random))
    }
    await #expect(processExitsWith: .failure) {
      var random = SeededRandom(seed: 1)
      let flows = FlowMemory.allocate(routesMax: 1_000)
      let odd = unsafe UnsafeMutableRawBufferPointer(rebasing: flows.routes[32...])
      _ = unsafe RouteTable(odd, routesMax: 900, hash: RouteHash(random: &random))
    }
  }

  @Test func theSecretAloneDecidesWhereARouteLies() {
    let slots = [UInt64(1), 2, 1].map { seed in
      var table = table(1_000, seed: seed)
      _ = table.insert(Route(key: key(9), owner: 1, at: start))
      return table.find(key(9))
    }
    #expect(slots[0] == slots[2] && slots[0] != slots[1])
  }

  /// The table against the standard library's, under random insertions and removals.
  @Test(arguments: 1...20) func agreesWithADictionary(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var table = table(64, seed: seed)
    var model: [Int: UInt16] = [:]
    for step in 0..<4000 {
      let number = Int.random(in: 0..<100, using: &random)
      let slot = table.find(key(number))
      expect((slot >= 0) == (model[number] != nil))
      if slot >= 0 {
        expect(table.route(at: slot).owner == model[number])
        table.remove(at: slot)
        model[number] = nil
      } else {
        let owner = UInt16(truncatingIfNeeded: step)
        let hasRoom = model.count < 64
        expect(table.insert(Route(key: key(number), owner: owner, at: start)) == hasRoom)
        if hasRoom { model[number] = owner }
      }
      expect(table.count == model.count)
    }
  }

  @Test func aSweepRemovesTheSilentAndOnlyThem() {
    var table = table(500)
    let later = start.advanced(byMilliseconds: 50_000)
    for number in 0..<500 {
      _ = table.insert(
        Route(key: key(number), owner: 7, at: number % 3 == 0 ? later : start))
    }
    let now = start.advanced(byMilliseconds: 60_001)
    var removed = 0
    for _ in 0..<11 { removed += table.sweep(100, at: now, idleNanoseconds: 60_000_000_000) }
    expect(removed == 333)
    for number in 0..<500 { expect((table.find(key(number)) >= 0) == (number % 3 == 0)) }
  }

  @Test func theListenerBelongsToTheKey() {
    var table = table(4)
    let client = TransportAddress(ipv4: 0x7F00_0001, port: 9)
    expect(table.insert(Route(key: RouteKey(listener: 0, client: client), owner: 1, at: start)))
    expect(table.find(RouteKey(listener: 1, client: client)) == -1)
  }
}
