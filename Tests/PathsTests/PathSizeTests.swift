import Testing

@testable import Paths

/// What a way carries, decided.
@Suite struct PathSizeTests {
  @Test func aRefusalTakesWhatTheKernelSays() {
    #expect(PathSize.afterRefusal(of: 1_400, told: 1_252, current: 1_400) == 1_252)
    // Somebody else has found out more meanwhile.
    #expect(PathSize.afterRefusal(of: 1_400, told: 1_392, current: 1_252) == 1_252)
  }

  @Test func whereTheKernelIsMistakenItGoesDownInSteps() {
    var bytes = 1_472
    var steps = 0
    // It says that all of it fits, or nothing.
    while bytes > PathSize.smallest {
      let next = PathSize.afterRefusal(of: bytes, told: steps % 2 == 0 ? 1_472 : 0, current: bytes)
      #expect(next < bytes)
      bytes = next
      steps += 1
    }
    #expect(steps < 10)
    #expect(PathSize.afterRefusal(of: bytes, told: 0, current: bytes) == PathSize.smallest)
  }

  @Test func itGrowsOnlyWhenSomethingHereHasChanged() {
    #expect(PathSize.afterLook(told: 1_372, current: 1_400, mayGrow: false) == 1_372)
    // The kernel has forgotten what a hop reported.
    #expect(PathSize.afterLook(told: 1_472, current: 1_372, mayGrow: false) == 1_372)
    #expect(PathSize.afterLook(told: 1_472, current: 1_372, mayGrow: true) == 1_472)
    #expect(PathSize.afterLook(told: 0, current: 1_372, mayGrow: true) == 1_372)
  }
}
