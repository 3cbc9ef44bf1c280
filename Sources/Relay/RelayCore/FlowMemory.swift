/// The memory that a worker keeps its flows in. It is not the worker's: whoever runs it chooses
/// where it lies (the NUMA node, large pages, a mapping that outlives the process) and frees it
/// after the worker. Two regions, written to by the worker's thread alone.
@safe package struct FlowMemory: BitwiseCopyable {
  /// The route table: at least `RouteTable.bytes(routesMax:)`, at a multiple of 64.
  package let routes: UnsafeMutableRawBufferPointer
  /// The flows that wait for an answer: at least `CandidateTable.bytes(candidatesMax:)`, at a
  /// multiple of 64.
  package let candidates: UnsafeMutableRawBufferPointer

  /// Memory of the caller's, two regions apart. What is in it is overwritten when the worker is
  /// made.
  package init(
    routes: UnsafeMutableRawBufferPointer, candidates: UnsafeMutableRawBufferPointer
  ) {
    let isApart =
      unsafe Self.lies(routes, before: candidates)
      || Self.lies(candidates, before: routes)
    precondition(isApart, "a check would write over a route")
    unsafe self.routes = routes
    unsafe self.candidates = candidates
  }

  /// Memory of the heap for `routesMax` routes. The kernel takes its pages from the node of the
  /// thread that makes the worker, for that one touches them first. To be freed by `deallocate`.
  package static func allocate(routesMax: Int) -> FlowMemory {
    let routeBytes = RouteTable.bytes(routesMax: routesMax)
    let candidateBytes = CandidateTable.bytes(
      candidatesMax: RelayLimits.candidatesMax(routesMax: routesMax))
    // A large table begins where a large page can begin.
    return unsafe FlowMemory(
      routes: .allocate(
        byteCount: routeBytes, alignment: routeBytes < 2 << 20 ? 64 : 2 << 20),
      candidates: .allocate(byteCount: candidateBytes, alignment: 64))
  }

  /// Frees what `allocate` gave; once, after the worker's end.
  package func deallocate() {
    unsafe routes.deallocate()
    unsafe candidates.deallocate()
  }

  /// Whether all of `region` lies before `other`.
  private static func lies(
    _ region: UnsafeMutableRawBufferPointer, before other: UnsafeMutableRawBufferPointer
  ) -> Bool {
    guard let start = region.baseAddress, let end = other.baseAddress else { return false }
    return unsafe start + region.count <= end
  }

  /// The start of `memory`, which has to hold `bytes`.
  static func start(
    of memory: UnsafeMutableRawBufferPointer, bytes: Int
  ) -> UnsafeMutableRawPointer {
    guard let start = memory.baseAddress, memory.count >= bytes else {
      preconditionFailure("the memory for \(bytes) bytes of flows has \(memory.count)")
    }
    precondition(Int(bitPattern: start) % 64 == 0, "two routes are to be a cache line")
    return unsafe start
  }
}
