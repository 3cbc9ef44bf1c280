/// The figures as gnuplot reads them (tools/bench/plot.gp). Pure.
struct Plot: Equatable, Sendable {
  /// A title line, then a line for each case; `NaN` for what was not measured.
  let ratios: String
  /// Columns of the ratios; 1 when there is nothing to compare with.
  let columns: Int
  /// For each forwarder and load a block of its own: its name, then positions and microseconds.
  let latency: String
  /// How many blocks there are.
  let blocks: Int

  /// The parts of the packets that the curves go through.
  private static let shares = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999]
  /// -log10(1 - share) of each of them.
  private static let positions = [
    0.046, 0.125, 0.301, 0.602, 1.0, 1.301, 2.0, 2.301, 3.0, 4.0,
  ]

  init(_ report: Report) {
    ratios = Self.ratios(report)
    columns = 1 + report.kinds.filter { !$0.isOurs }.count
    let blocks = Self.latencyBlocks(report)
    latency = blocks.joined(separator: "\n\n\n") + "\n"
    self.blocks = blocks.count
  }

  private static func ratios(_ report: Report) -> String {
    let others = report.kinds.filter { !$0.isOurs }
    var lines = ["case " + others.map(\.rawValue).joined(separator: " ")]
    for benchCase in BenchCase.all {
      let ratios = report.ratios.filter {
        $0.benchCase == benchCase.name && $0.flows == report.flows && $0.of == .martlet
      }
      guard !ratios.isEmpty else { continue }
      let values = others.map { kind in
        ratios.first { $0.against == kind }.map { "\($0.cpu)" } ?? "NaN"
      }
      lines.append(([benchCase.name] + values).joined(separator: " "))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func latencyBlocks(_ report: Report) -> [String] {
    var blocks: [String] = []
    for key in report.keys {
      for percent in Plan.latencyPercents {
        var key = key
        key.percent = percent
        let points = zip(positions, shares).compactMap { position, share in
          report.results.latency(key, share).map { "\(position) \($0 / 1000)" }
        }
        guard !points.isEmpty else { continue }
        blocks.append((["\"\(key.kind.rawValue), \(percent) %\""] + points).joined(separator: "\n"))
      }
    }
    return blocks
  }
}
