import CProbe
import Testing

/// The budget tests all say "none", so first: does the probe see what there is?
@Suite("Budget: the probe itself", .serialized, .enabled(if: probe_is_alone()))
struct ProbeBudgetTests {
  private final class Thing {
    var next: Thing?
  }

  @inline(never)
  private static func hold(_ thing: Thing?, in other: Thing) { other.next = thing }

  @Test func seesOneObjectAndItsMalloc() {
    probe_begin()
    let thing = Thing()
    let counts = probe_end()
    #expect(counts.objects == 1)
    #expect(counts.mallocs == 1)
    #expect(thing.next == nil)
  }

  @Test func seesRetainAndRelease() {
    let thing = Thing()
    let other = Thing()
    probe_begin()
    Self.hold(thing, in: other)
    Self.hold(nil, in: other)
    let counts = probe_end()
    #expect(counts.retains == 1)
    #expect(counts.releases == 1)
    #expect(counts.objects == 0)
    #expect(thing !== other)
  }

  @Test func seesNothingWhereNothingIs() {
    probe_begin()
    let counts = probe_end()
    #expect(counts.mallocs == 0)
    #expect(counts.retains == 0)
    #expect(counts.releases == 0)
    #expect(counts.objects == 0)
    #expect(counts.frees == 0)
  }
}
