import Testing

@testable import Bench

@Suite struct PlanTests {
  private func wishes(_ change: (inout Plan.Wishes) -> Void) -> Plan.Wishes {
    var wishes = Plan.Wishes()
    wishes.cases = [BenchCase.all[0]]
    wishes.extras = []
    change(&wishes)
    return wishes
  }

  @Test func forwardersTakeTurnsWithinARound() {
    let plan = Plan(
      wishes {
        $0.kinds = [.martlet, .go, .c]
        $0.rounds = 2
      })
    #expect(plan.steps.map(\.kind) == [.martlet, .go, .c, .martlet, .go, .c])
    #expect(plan.steps.map(\.round) == [1, 1, 1, 2, 2, 2])
    #expect(plan.steps.allSatisfy { $0.measure == .saturation && $0.flows == 1000 })
  }

  @Test func everyCaseIsMeasuredInItsOrder() {
    let plan = Plan(
      wishes {
        $0.cases = BenchCase.all
        $0.kinds = [.martlet]
        $0.rounds = 1
      })
    #expect(
      plan.steps.map(\.benchCase.name) == [
        "up-1400-t1", "up-1400-t4", "up-1400-t16", "up-8900-t1", "down", "mixed",
        "first-packets", "forged", "junk",
      ])
  }

  @Test func moreFlowsComeWithRoundsOfTheirOwn() {
    let plan = Plan(
      wishes {
        $0.moreFlows = [1000, 100_000]
        $0.rounds = 3
        $0.moreFlowsRounds = 1
      })
    #expect(plan.steps.filter { $0.flows == 1000 }.count == 6)
    #expect(plan.steps.filter { $0.flows == 100_000 }.map(\.kind) == [.martlet, .c])
  }

  @Test func latenciesComeAfterTheSaturationThatTheyArePartsOf() throws {
    let plan = Plan(
      wishes {
        $0.cases = []
        $0.extras = [.latency]
        $0.rounds = 2
      })
    let saturations = plan.steps.indices.filter { plan.steps[$0].measure == .saturation }
    let latencies = plan.steps.indices.filter { plan.steps[$0].measure != .saturation }
    #expect(saturations.count == 4)
    #expect(latencies.count == 12)
    #expect(try #require(saturations.last) < (try #require(latencies.first)))
  }

  @Test func onlyWhoKnowsForgeriesMeetsTheFlood() {
    let plan = Plan(
      wishes {
        $0.cases = []
        $0.kinds = [.martlet, .go, .c, .coturn]
        $0.extras = [.calls]
        $0.rounds = 1
      })
    #expect(plan.steps.map(\.kind) == [.martlet, .go])
  }

  @Test func framesAreMeasuredOnTheWayDown() {
    let plan = Plan(
      wishes {
        $0.cases = BenchCase.all
        $0.kinds = [.martlet, .frames, .c]
        $0.rounds = 2
        $0.extras = [.calls, .memory, .latency]
      })
    let steps = plan.steps.filter { $0.kind == .frames }
    #expect(steps.map(\.benchCase.name) == ["down", "down"])
  }

  @Test func aTurnServerIsMeasuredWhereItCan() {
    let plan = Plan(
      wishes {
        $0.cases = BenchCase.all
        $0.kinds = [.martlet, .coturn]
        $0.rounds = 1
        $0.moreFlows = [100_000]
      })
    let steps = plan.steps.filter { $0.kind == .coturn }
    #expect(steps.map(\.benchCase.name) == ["up-1400-t1"])
    #expect(steps.map(\.flows) == [1000])
  }

  @Test func memoryIsMeasuredWithAndWithoutRoutes() {
    let plan = Plan(
      wishes {
        $0.cases = []
        $0.extras = [.memory]
      })
    #expect(
      plan.steps.map(\.measure) == [.memory(routes: 64), .memory(routes: Plan.routes)])
    #expect(plan.steps.map(\.flows) == [1, Plan.routes])
  }

  @Test func theForwarderGetsACpuThatOthersLeaveWhenThereAreEnough() {
    #expect(Layout(cpus: [0, 1], saturates: true).senders == [0, 1])
    #expect(Layout(cpus: [0, 1], saturates: false).senders == [0])
    #expect(Layout(cpus: [3], saturates: false).senders == [3])
    for saturates in [true, false] {
      let layout = Layout(cpus: [0, 2, 4, 6, 8, 10, 12, 14], saturates: saturates)
      #expect(layout.forwarder == 14)
      #expect(!layout.senders.isEmpty && !layout.senders.contains(14))
    }
  }
}
