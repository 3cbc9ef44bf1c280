import Testing
import Wire

@testable import RelayCore

/// Arguments that only our own mistake can bring about, and that would go on silently: they end the
/// process.
@Suite struct OwnMistakesTests {
  @Test func aWayThatCarriesNothing() async {
    await #expect(processExitsWith: .failure) {
      var bench = Bench()
      bench.worker.setWay(bundleBytes: 0, wholeBytes: 1_400, for: 0)
    }
    await #expect(processExitsWith: .failure) {
      var bench = Bench()
      bench.worker.setWay(bundleBytes: 1_400, wholeBytes: 0, for: 0)
    }
  }

  @Test func aPlaceThatNobodyCanHave() async {
    await #expect(processExitsWith: .failure) {
      var bench = Bench()
      bench.worker.setWay(
        bundleBytes: 1_400, wholeBytes: 1_400, for: RelayLimits.transceiversMax)
    }
    await #expect(processExitsWith: .failure) { _ = Bench { $0.placesMax = 2 } }
  }

  @Test func configurationsThatNoOptionsLeadTo() async {
    await #expect(processExitsWith: .failure) { _ = Bench { $0.bundleBytes = 63 } }
    await #expect(processExitsWith: .failure) { _ = Bench { $0.receiveBytesMax = 0 } }
    await #expect(processExitsWith: .failure) { _ = Bench { $0.idleMilliseconds = 30_000 } }
    await #expect(processExitsWith: .failure) { _ = Bench { $0.listeners = [] } }
  }

  @Test func flowsThatShareTheirMemory() async {
    await #expect(processExitsWith: .failure) {
      let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)
      let second = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[64..<4_096])
      _ = unsafe FlowMemory(routes: memory, candidates: second)
    }
  }

  @Test func aSecondRouteOfOneClient() async {
    await #expect(processExitsWith: .failure) {
      var random = SeededRandom(seed: 1)
      let flows = FlowMemory.allocate(routesMax: 64)
      var table = unsafe RouteTable(
        flows.routes, routesMax: 64, hash: RouteHash(random: &random))
      let key = RouteKey(listener: 0, client: TransportAddress(ipv4: 1, port: 1))
      let route = Route(key: key, owner: 1, at: Instant(nanoseconds: 1))
      _ = table.insert(route)
      _ = table.insert(route)
    }
  }
}
