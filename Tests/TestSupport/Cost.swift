internal import CProbe

/// What a piece of code asked of the heap and of Swift's reference counts, on its own thread.
package struct Cost: Equatable, Sendable {
  package var mallocs: UInt64
  package var frees: UInt64
  package var retains: UInt64
  package var releases: UInt64
  package var objects: UInt64

  package static let nothing = Cost(mallocs: 0, frees: 0, retains: 0, releases: 0, objects: 0)

  /// Whether this run of the tests may measure: budget tests only, one at a time. Condition of
  /// every Budget suite.
  package static var isMeasurable: Bool { probe_is_alone() }

  /// Runs `body` and counts. The window is as tight as the body: make spans and buffers before it,
  /// use plain `Int` ranges in it (a debug build allocates for others).
  package static func of(_ body: () -> Void) -> Cost {
    probe_begin()
    body()
    let counts = probe_end()
    return Cost(
      mallocs: counts.mallocs, frees: counts.frees, retains: counts.retains,
      releases: counts.releases, objects: counts.objects)
  }
}
