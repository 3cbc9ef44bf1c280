import Json

/// What `martlet bench transceiver` says at its end. Pure.
struct TransceiverReport: Equatable, Sendable {
  var machine: Machine
  var samples: [EchoServer.Kind: [EchoSample]] = [:]
  /// Numbers of calls, in the order of the report.
  var calls: [Int]
  var skipped: [String] = []
  var failures: [String] = []

  /// The middle one of the rounds; nil when there is none.
  func median(
    _ kind: EchoServer.Kind, _ calls: Int, _ value: (EchoSample) -> Double
  ) -> Double? {
    (samples[kind] ?? []).filter { $0.calls == calls }.map(value).median
  }

  var targets: [Target] {
    var targets: [Target] = []
    for calls in calls {
      if let ratio = bareRatio(calls) {
        targets.append(
          Target(
            name: "CPU per frame, \(calls) calls, transceiver / bare, in rounds", bound: .atMost,
            limit: 1.2, seen: ratio))
      }
      if let ratio = bareRatio(calls, \.sameSrtp) {
        targets.append(
          Target(
            name: "CPU per frame, \(calls) calls, transceiver / bare, same SRTP", bound: .atMost,
            limit: calls < 100 ? 1.15 : 1.1, seen: ratio))
      }
      if let ratio = pionRatio(calls) {
        targets.append(
          Target(
            name: "CPU without libopus, \(calls) calls, transceiver / Pion", bound: .atMost,
            limit: 0.5, seen: ratio))
      }
    }
    if let most = calls.max(), let bytes = median(.martlet, most, { $0.bytesPerCall }) {
      targets.append(
        Target(
          name: "KiB of memory for a call, \(most) calls", bound: .atMost, limit: 256,
          seen: bytes / 1024))
    }
    return targets
  }

  /// The middle one of the rounds' ratios: both parts of a ratio are of one moment.
  func bareRatio(_ calls: Int, _ bare: (EchoSample) -> BareCost = \.inRounds) -> Double? {
    median(.martlet, calls) { $0.cpuPerFrame / bare($0).sum }
  }

  func pionRatio(_ calls: Int) -> Double? {
    guard let ours = median(.martlet, calls, { $0.withoutOpus }),
      let theirs = median(.pion, calls, { $0.withoutOpus }), theirs > 0
    else { return nil }
    return ours / theirs
  }

  // MARK: - For people

  var text: String {
    var parts = [machine.text, costTable.text, bareTable.text, timeTable.text]
    if !targets.isEmpty { parts.append(targetTable.text) }
    parts += skipped + failures
    return parts.joined(separator: "\n\n") + "\n"
  }

  /// Rows of figures: one for each server and number of calls that was measured.
  private func table(
    _ titles: [String], _ kinds: [EchoServer.Kind], _ figures: [(EchoSample) -> Double]
  ) -> TextTable {
    var table = TextTable(["server", "calls"] + titles)
    for calls in calls {
      for kind in kinds where median(kind, calls, { $0.cpuPerFrame }) != nil {
        let cells = figures.map { Number.text(median(kind, calls, $0)) }
        table.add([kind.rawValue, "\(calls)"] + cells)
      }
    }
    return table
  }

  private var costTable: TextTable {
    func bare(_ cost: KeyPath<EchoSample, BareCost>) -> (EchoSample) -> Double {
      { $0.shard == nil || $0[keyPath: cost].sum == 0 ? .nan : $0[keyPath: cost].sum / 1e3 }
    }
    return table(
      [
        "us/frame", "bare, in rounds", "as it comes", "same SRTP", "without libopus", "calls/core",
        "KiB/call", "waited %",
      ],
      EchoServer.Kind.allCases,
      [
        { $0.cpuPerFrame / 1e3 }, bare(\.inRounds), bare(\.asItComes), bare(\.sameSrtp),
        { $0.withoutOpus / 1e3 }, { $0.callsPerCore }, { $0.bytesPerCall / 1024 },
        { $0.waitedForCpu * 100 },
      ])
  }

  /// What the bare servers' time goes to.
  private var bareTable: TextTable {
    var table = TextTable([
      "bare server", "calls", "decode us", "encode us", "unprotect us", "protect us", "system us",
      "transceiver/bare",
    ])
    let manners: [(String, KeyPath<EchoSample, BareCost>)] = [
      ("in rounds", \.inRounds), ("as it comes", \.asItComes),
      ("in rounds, same SRTP", \.sameSrtp),
    ]
    let parts: [KeyPath<BareCost, Double>] = [
      \.libraries.decode, \.libraries.encode, \.libraries.unprotect, \.libraries.protect, \.system,
    ]
    for calls in calls {
      for (name, manner) in manners {
        guard let ratio = bareRatio(calls, { $0[keyPath: manner] }) else { continue }
        let cells = parts.map { part in
          Number.text(median(.martlet, calls) { $0[keyPath: manner][keyPath: part] / 1e3 })
        }
        table.add([name, "\(calls)"] + cells + [Number.text(ratio)])
      }
    }
    return table
  }

  private var timeTable: TextTable {
    func shard(_ value: @escaping (ShardLine) -> Double) -> (EchoSample) -> Double {
      { $0.shard.map(value) ?? .nan }
    }
    return table(
      [
        "in p50 us", "in p99", "out p50", "out p99", "packets/receive", "packets/send",
        "turns/frame", "late frames %",
      ],
      [.martlet, .lossy],
      [
        shard { $0.inMedian }, shard { $0.in99 }, shard { $0.outMedian }, shard { $0.out99 },
        shard { $0.packets / max(1, $0.receiveCalls) },
        shard { $0.packetsSent / max(1, $0.sendCalls) }, shard { $0.turns / max(1, $0.packets) },
        shard { 100 * $0.lateFrames / max(1, $0.frames) },
      ])
  }

  private var targetTable: TextTable {
    var table = TextTable(["target", "limit", "seen", ""])
    for target in targets {
      table.add([
        target.name, "<= " + Number.text(target.limit), Number.text(target.seen), target.verdict,
      ])
    }
    return table
  }

  // MARK: - For programs

  var json: String {
    var object = JsonObject()
    object.add("machine", machine.text)
    object.add(
      "results",
      calls.flatMap { calls in EchoServer.Kind.allCases.compactMap { row($0, calls) } })
    object.add(
      "targets",
      targets.map { target in
        var object = JsonObject()
        object.add("name", target.name)
        object.add("limit", target.limit)
        object.add("seen", target.seen)
        object.add("met", target.isMet)
        return object
      })
    object.add("skipped", skipped)
    object.add("failures", failures)
    return object.text + "\n"
  }

  private func row(_ kind: EchoServer.Kind, _ calls: Int) -> JsonObject? {
    guard let cpu = median(kind, calls, { $0.cpuPerFrame }) else { return nil }
    var object = JsonObject()
    object.add("server", kind.rawValue)
    object.add("calls", calls)
    object.add("cpu_ns_per_frame", cpu)
    var fields: [(String, (EchoSample) -> Double)] = [
      ("calls_per_core", { $0.callsPerCore }), ("bytes_per_call", { $0.bytesPerCall }),
    ]
    if kind != .lossy {
      fields += [
        ("cpu_ns_per_frame_without_opus", { $0.withoutOpus }),
        ("decode_ns", { $0.inRounds.libraries.decode }),
        ("encode_ns", { $0.inRounds.libraries.encode }),
      ]
    }
    if kind != .pion {
      fields += [
        ("in_p99_us", { $0.shard?.in99 ?? 0 }), ("out_p99_us", { $0.shard?.out99 ?? 0 }),
        ("frames", { $0.shard?.frames ?? 0 }), ("frames_late", { $0.shard?.lateFrames ?? 0 }),
      ]
    }
    if kind == .martlet {
      fields += [
        ("bare_ns_per_frame", { $0.inRounds.sum }),
        ("bare_as_it_comes_ns_per_frame", { $0.asItComes.sum }),
        ("unprotect_ns", { $0.inRounds.libraries.unprotect }),
        ("protect_ns", { $0.inRounds.libraries.protect }),
        ("system_ns", { $0.inRounds.system }),
        ("system_as_it_comes_ns", { $0.asItComes.system }),
        ("bare_same_srtp_ns_per_frame", { $0.sameSrtp.sum }),
        ("unprotect_same_srtp_ns", { $0.sameSrtp.libraries.unprotect }),
        ("protect_same_srtp_ns", { $0.sameSrtp.libraries.protect }),
      ]
      object.add("ratio_to_bare", bareRatio(calls))
      object.add("ratio_to_bare_as_it_comes", bareRatio(calls, \.asItComes))
      object.add("ratio_to_bare_same_srtp", bareRatio(calls, \.sameSrtp))
      object.add("ratio_to_pion", pionRatio(calls))
    }
    for (name, value) in fields { object.add(name, median(kind, calls, value)) }
    return object
  }
}
