extension Report {
  /// The report for people.
  var text: String {
    var parts = [machine.text, table.text]
    if latencyTable.rows.count > 1 { parts.append(latencyTable.text) }
    parts += [otherLines, targetTable].filter { !$0.isEmpty }
    parts += notes
    return parts.joined(separator: "\n\n") + "\n"
  }

  /// The cases at saturation.
  private var table: TextTable {
    var table = TextTable([
      "case", "flows", "forwarder", "CPU ns/packet", "packets/s/core", "packets/datagram",
      "CPU ratio", "rate ratio", "with frames", "rate",
    ])
    let ratios = self.ratios
    for key in keys {
      let own = [Forwarder.Kind.martlet, .frames].map { kind in
        ratios.first {
          $0.benchCase == key.benchCase && $0.against == key.kind && $0.flows == key.flows
            && $0.of == kind
        }
      }
      table.add(
        [
          key.benchCase, "\(key.flows)",
          key.kind.rawValue + (results.isGeneratorLimited(key) ? " *" : ""),
          Number.text(results.median(key) { $0.cpuPerPacket }),
          Number.text(results.median(key) { $0.packetsPerSecondPerCore }),
          Number.text(results.median(key) { $0.packetsPerDatagram }),
        ]
          + own.flatMap { ratio in
            [ratio?.cpu, ratio?.rate].map { $0.map { Number.fixed($0, digits: 2) } ?? "" }
          })
    }
    return table
  }

  private var latencyTable: TextTable {
    var table = TextTable([
      "latency of", "load", "packets/s", "p50 us", "p99 us", "p99.9 us", "loss %",
      "CPU ns/packet", "packets/wake-up",
    ])
    for key in keys {
      for percent in Plan.latencyPercents {
        var key = key
        key.percent = percent
        guard results.latency(key, 0.5) != nil else { continue }
        table.add(
          [
            key.kind.rawValue + (results.isGeneratorLimited(key) ? " *" : ""), "\(percent) %",
            Number.text(results.median(key) { $0.packets / $0.seconds }),
          ] + [0.5, 0.99, 0.999].map { microseconds(key, $0) } + [
            Number.text(results.median(key) { $0.loss * 100 }),
            Number.text(results.median(key) { $0.cpuPerPacket }),
            Number.text(results.median(key) { $0.packetsPerWait }),
          ])
      }
    }
    return table
  }

  private func microseconds(_ key: Results.Key, _ share: Double) -> String {
    Number.text(results.latency(key, share).map { $0 / 1000 })
  }

  private var otherLines: String {
    var lines: [String] = []
    for kind in kinds {
      guard let loss = results.hurtLoss(kind), let hurts = results.hurts[kind] else { continue }
      let isLate = results.isHurtGeneratorLimited(kind)
      lines.append(
        "\(Plan.calls) calls in a flood of \(Number.text(hurts.map(\.floodRate).median)) forged"
          + " tokens a second: \(kind.rawValue) lost \(Number.text(loss * 100)) % of their packets"
          + (isLate ? " *" : ""))
    }
    if let bytes = results.bytesPerRoute, let full = results.residentFull {
      lines.append(
        "martlet with \(Plan.routes) routes: \(Number.text(full / 1e6)) MB resident,"
          + " \(Number.text(bytes)) bytes per route")
    }
    return lines.joined(separator: "\n")
  }

  private var targetTable: String {
    guard !targets.isEmpty else { return "" }
    var table = TextTable(["target", "limit", "seen", ""])
    for target in targets {
      let sign = target.bound == .atMost ? "<= " : ">= "
      table.add([
        target.name, sign + Number.text(target.limit), Number.text(target.seen), target.verdict,
      ])
    }
    return table.text
  }

  private var notes: [String] {
    let isLimited =
      keys.contains { key in
        results.samples.keys.contains {
          $0.benchCase == key.benchCase && $0.kind == key.kind && results.isGeneratorLimited($0)
        }
      } || kinds.contains { results.isHurtGeneratorLimited($0) }
    let star =
      "* The load generator was the limit: the forwarder would have borne more (at saturation)"
      + " or got less than was meant (at a rate)."
    return (isLimited ? [star] : []) + skipped + failures
  }
}
