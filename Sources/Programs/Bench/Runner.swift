/// Does the steps of a plan and keeps what they show.
struct Runner {
  private let toolbox: Toolbox
  private let seconds: Double
  private(set) var results = Results()

  /// `seconds` are measured in each step.
  init(toolbox: Toolbox, seconds: Double) {
    self.toolbox = toolbox
    self.seconds = seconds
  }

  /// Does one step; gives a line for people.
  mutating func run(_ step: Plan.Step) throws(BenchFailure) -> String {
    var order = Trial.Order(
      benchCase: step.benchCase, kind: step.kind, flows: step.flows, seconds: seconds)
    order.routes = max(order.routes, step.flows)
    let words =
      switch step.measure {
      case .saturation: try saturate(order)
      case .latency(let percent): try pace(order, percent)
      case .hurt: try hurt(order)
      case .memory(let routes): try reside(order, routes)
      }
    return "\(step.text): \(words)"
  }

  private mutating func saturate(_ order: Trial.Order) throws(BenchFailure) -> String {
    let sample = try Trial(order, toolbox).saturate()
    guard sample.packets > 0 else { throw Self.nothing(sample, order.kind) }
    results.add(sample, to: key(order))
    return "\(Number.text(sample.cpuPerPacket)) ns per packet"
      + (sample.isStarved ? " (was not saturated: \(Number.text(sample.busy * 100)) %)" : "")
  }

  /// A run in which the forwarder dealt with no packet measures nothing.
  private static func nothing(_ sample: Sample, _ kind: Forwarder.Kind) -> BenchFailure {
    let run = Number.text(sample.cpuNanoseconds / 1e6)
    let wanted = Number.text(sample.busy * sample.seconds * 1000)
    return BenchFailure(
      "\(kind.rawValue) dealt with none of \(Int(sample.sent)) packets: it had the CPU for"
        + " \(run) of the \(wanted) ms it wanted it; other work on this machine may have had it")
  }

  private mutating func pace(
    _ order: Trial.Order, _ percent: Int
  ) throws(BenchFailure) -> String {
    guard let most = results.median(key(order), { $0.packetsPerSecondPerCore }) else {
      throw BenchFailure("\(order.kind.rawValue) has no saturation to take a part of")
    }
    var order = order
    order.saturates = false
    order.measuresLatency = true
    let sample = try Trial(order, toolbox).pace(most * Double(percent) / 100)
    var key = key(order)
    key.percent = percent
    results.add(sample, to: key)
    let slowest = sample.latency(0.99).map { $0 / 1000 }
    return "\(Number.text(slowest)) us for 99 of 100"
      + (sample.isLate ? " (the senders were too slow)" : "")
  }

  private mutating func hurt(_ order: Trial.Order) throws(BenchFailure) -> String {
    var order = order
    order.saturates = false
    let hurt = try Trial(order, toolbox).hurt()
    results.add(hurt, of: order.kind)
    return "\(Number.text(hurt.loss * 100)) % lost"
      + (hurt.isLate ? " (the senders were too slow)" : "")
  }

  private mutating func reside(
    _ order: Trial.Order, _ routes: Int
  ) throws(BenchFailure) -> String {
    var order = order
    order.saturates = false
    order.routes = routes
    let bytes = try Trial(order, toolbox).reside().residentBytes
    if routes == Plan.routes { results.residentFull = bytes } else { results.residentEmpty = bytes }
    return "\(Number.text(bytes / 1e6)) MB resident"
  }

  private func key(_ order: Trial.Order) -> Results.Key {
    Results.Key(benchCase: order.benchCase.name, kind: order.kind, flows: order.flows)
  }
}
