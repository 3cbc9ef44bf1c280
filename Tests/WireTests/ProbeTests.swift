import CProbe
import Testing

/// The budget tests all say "none", so first: does the probe see what there is?
@Suite("Budget: the probe itself", .serialized, .enabled(if: probe_is_alone()))
struct ProbeBudgetTests {
  private final class Thing {}

  // Unoptimised, or a release build would see that nothing needs doing.
  @_optimize(none) @inline(never)
  private static func make() -> Thing { Thing() }

  @_optimize(none) @inline(never)
  private static func retainAndRelease(_ thing: Unmanaged<Thing>) {
    _ = unsafe thing.retain()
    unsafe thing.release()
  }

  @Test func seesOneObjectAndItsMalloc() {
    probe_begin()
    let thing = Self.make()
    let counts = probe_end()
    #expect(counts.objects == 1)
    #expect(counts.mallocs == 1)
    withExtendedLifetime(thing) {}
  }

  @Test func seesRetainsAndReleases() {
    let thing = unsafe Unmanaged.passRetained(Thing())
    probe_begin()
    unsafe Self.retainAndRelease(thing)
    let counts = probe_end()
    unsafe thing.release()
    // Unoptimised code adds balanced pairs of its own.
    #expect(counts.retains >= 1)
    #expect(counts.releases == counts.retains)
    #expect(counts.objects == 0)
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
