/// What a benchmark does, in order. Pure.
struct Plan: Equatable, Sendable {
  /// A run of one forwarder.
  struct Step: Equatable, Sendable {
    enum Measure: Equatable, Sendable {
      /// More load than it can take.
      case saturation
      /// A part of its own saturation, in percent; latencies are measured.
      case latency(percent: Int)
      /// Running calls and a flood.
      case hurt
      /// Memory with `flows` clients, or with none when the routes are few.
      case memory(routes: Int)
    }

    var benchCase: BenchCase
    var kind: Forwarder.Kind
    var flows: Int
    var measure: Measure
    /// From 1.
    var round: Int

    /// What it is, for people.
    var text: String {
      switch measure {
      case .saturation: "\(benchCase.name), \(flows) flows, \(kind.rawValue)"
      case .latency(let percent):
        "\(benchCase.name), \(flows) flows, \(kind.rawValue) at \(percent) %"
      case .hurt: "\(flows) calls in a flood, \(kind.rawValue)"
      case .memory(let routes): "memory, \(routes) routes, \(kind.rawValue)"
      }
    }
  }

  var steps: [Step] = []

  /// What is asked for.
  struct Wishes: Equatable, Sendable {
    var cases = BenchCase.all
    /// The relay first.
    var kinds: [Forwarder.Kind] = [.martlet, .c]
    var flows = 1000
    /// Numbers of clients with which the first case is measured as well.
    var moreFlows: [Int] = []
    var rounds = 3
    /// Whether what is no case of its own is measured: latency, floods on running calls, memory.
    var measuresAll = true
  }

  /// Parts of the saturation at which latencies are measured, in percent.
  static let latencyPercents = [10, 50, 80]
  /// Running calls in the test with a flood.
  static let calls = 1000
  /// Routes with which memory is measured.
  static let routes = 100_000

  /// Within a round the forwarders take turns, so that what changes on the machine meets all.
  init(_ wishes: Wishes) {
    for benchCase in wishes.cases {
      addRounds(wishes, benchCase, wishes.kinds, wishes.flows, [.saturation])
    }
    guard let first = wishes.cases.first(where: { $0.load == .media && $0.direction == .up }) else {
      return
    }
    for flows in wishes.moreFlows where flows != wishes.flows {
      addRounds(wishes, first, wishes.kinds, flows, [.saturation])
    }
    guard wishes.measuresAll else { return }
    addRounds(
      wishes, first, wishes.kinds, wishes.flows,
      Self.latencyPercents.map { .latency(percent: $0) })
    let aware = wishes.kinds.filter { $0 == .martlet || $0 == .go }
    addRounds(wishes, first, aware, Self.calls, [.hurt])
    for (routes, flows) in [(64, 1), (Self.routes, Self.routes)] {
      steps.append(
        Step(
          benchCase: first, kind: .martlet, flows: flows, measure: .memory(routes: routes),
          round: 1))
    }
  }

  private mutating func addRounds(
    _ wishes: Wishes, _ benchCase: BenchCase, _ kinds: [Forwarder.Kind], _ flows: Int,
    _ measures: [Step.Measure]
  ) {
    for round in 1...wishes.rounds {
      for measure in measures {
        for kind in kinds {
          steps.append(
            Step(benchCase: benchCase, kind: kind, flows: flows, measure: measure, round: round))
        }
      }
    }
  }
}
