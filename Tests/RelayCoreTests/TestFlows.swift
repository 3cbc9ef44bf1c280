@testable import RelayCore

/// Memory for the tables of one test, as long as its suite lives.
final class TestFlows {
  let memory: FlowMemory

  init(routesMax: Int) { memory = FlowMemory.allocate(routesMax: routesMax) }

  deinit { memory.deallocate() }
}
