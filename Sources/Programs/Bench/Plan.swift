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
    /// How often they are.
    var moreFlowsRounds = 3
    var rounds = 3
    /// What else is measured.
    var extras = Set(Extra.allCases)
  }

  /// What is measured beside the cases at saturation, all of it with voice to one transceiver.
  enum Extra: String, CaseIterable, Sendable {
    /// At parts of the saturation.
    case latency
    /// Running calls in a flood of forged tokens.
    case calls
    /// Bytes for each route.
    case memory
  }

  /// Parts of the saturation at which latencies are measured, in percent.
  static let latencyPercents = [10, 50, 80]
  /// Running calls in the test with a flood.
  static let calls = 1000
  /// Routes with which memory is measured.
  static let routes = 100_000

  /// Within a round the forwarders take turns, so that what changes on the machine meets all.
  init(_ wishes: Wishes) {
    let base = BenchCase.all[0]
    for benchCase in wishes.cases {
      addRounds(wishes, benchCase, wishes.kinds, wishes.flows, [.saturation])
    }
    for flows in wishes.moreFlows where flows != wishes.flows {
      var some = wishes
      some.rounds = wishes.moreFlowsRounds
      addRounds(some, base, wishes.kinds, flows, [.saturation])
    }
    if wishes.extras.contains(.latency) {
      // The parts are parts of something.
      if !wishes.cases.contains(base) {
        addRounds(wishes, base, wishes.kinds, wishes.flows, [.saturation])
      }
      let measures = Self.latencyPercents.map { Step.Measure.latency(percent: $0) }
      addRounds(wishes, base, wishes.kinds, wishes.flows, measures)
    }
    if wishes.extras.contains(.calls) {
      let aware = wishes.kinds.filter { $0 == .martlet || $0 == .go }
      addRounds(wishes, base, aware, Self.calls, [.hurt])
    }
    guard wishes.extras.contains(.memory) else { return }
    for (routes, flows) in [(64, 1), (Self.routes, Self.routes)] {
      let measure = Step.Measure.memory(routes: routes)
      steps.append(
        Step(benchCase: base, kind: .martlet, flows: flows, measure: measure, round: 1))
    }
  }

  /// How the relay sends to clients shows on the way down. A TURN server has a port for each
  /// client, and its channels look the same in all cases of voice that clients send: the first one
  /// stands for them.
  private static func can(_ kind: Forwarder.Kind, _ benchCase: BenchCase, flows: Int) -> Bool {
    switch kind {
    case .martlet, .c, .go: true
    case .frames: benchCase.direction == .down
    case .coturn: benchCase == BenchCase.all[0] && flows <= 10_000
    }
  }

  private mutating func addRounds(
    _ wishes: Wishes, _ benchCase: BenchCase, _ kinds: [Forwarder.Kind], _ flows: Int,
    _ measures: [Step.Measure]
  ) {
    for round in 1...wishes.rounds {
      for measure in measures {
        for kind in kinds where Self.can(kind, benchCase, flows: flows) {
          steps.append(
            Step(benchCase: benchCase, kind: kind, flows: flows, measure: measure, round: round))
        }
      }
    }
  }
}
