import CSteering
package import RelayCore
package import Runtime

/// What a relay has done so far.
package struct RelayReport: Sendable {
  /// Each worker's counters, in the order of their numbers.
  package internal(set) var workers: [RelayCounters] = []
  /// Routes held, all workers together.
  package internal(set) var routes = 0
  /// What the sockets did, all workers together.
  package internal(set) var sockets = SocketCounters()
  /// What the steering programs did, all listeners together.
  package internal(set) var steering = SteeringCounters()
  /// Datagrams that came before the workers' sockets were open; no worker saw them.
  package internal(set) var lostAtStart: UInt64 = 0
  /// What the last datagrams said that were refused for it.
  package internal(set) var evidence = Evidence()
  /// What each transceiver was sent and said, all workers together, by place (the options' order);
  /// empty until a worker has reported.
  package internal(set) var traffic: [TransceiverTraffic] = []

  /// Lines that the log has lost.
  package internal(set) var logLinesLost: UInt64 = 0

  /// Adds a worker's, which may know fewer places than others do, or more.
  mutating func add(_ others: [TransceiverTraffic]) {
    for (place, other) in others.enumerated() {
      if place == traffic.count { traffic.append(TransceiverTraffic()) }
      traffic[place].sent &+= other.sent
      traffic[place].heard &+= other.heard
    }
  }

  /// All workers' counters added up.
  package var total: RelayCounters {
    workers.reduce(into: RelayCounters()) { $0.add($1) }
  }
}

/// What the steering programs count in the kernel; each client datagram in one of them.
package struct SteeringCounters: Sendable {
  /// Given to the worker of the receiving CPU.
  package var byCPU: UInt64 = 0
  /// Given to the worker that has the flow, by another CPU: what `cpu` mode pays for interrupts
  /// that were moved.
  package var byHome: UInt64 = 0
  /// Given to the worker of the flow's hash.
  package var byFlow: UInt64 = 0
  /// Left to the kernel's own hash, because a slot was empty.
  package var byKernel: UInt64 = 0
  /// Dropped, because no client sends such a thing: by reason, in the order of `dropNames`.
  package var drops = [6 of UInt64](repeating: 0)

  /// What each of `drops` is called in logs and JSON: shorter than any packet of WebRTC's, longer
  /// than one, of another protocol by its first byte, STUN whose length or cookie is wrong, DTLS of
  /// no version.
  static let dropNames = [
    "junk_short", "junk_long", "junk_kind", "junk_stun_length", "junk_stun_cookie",
    "junk_dtls_version",
  ]

  /// Dropped, all reasons together.
  package var dropped: UInt64 { drops.indices.reduce(0) { $0 &+ drops[$1] } }
}

extension SteeringCounters {
  init(_ counters: steering_counters) {
    byCPU = counters.by_cpu
    byHome = counters.by_home
    byFlow = counters.by_flow
    byKernel = counters.by_kernel
    drops = [
      counters.dropped_short, counters.dropped_long, counters.dropped_kind,
      counters.dropped_stun_length, counters.dropped_stun_cookie, counters.dropped_dtls_version,
    ]
  }

  mutating func add(_ other: SteeringCounters) {
    byCPU &+= other.byCPU
    byHome &+= other.byHome
    byFlow &+= other.byFlow
    byKernel &+= other.byKernel
    for index in drops.indices { drops[index] &+= other.drops[index] }
  }

  /// Every figure with its name in logs and JSON. Allocates.
  var named: [(name: String, value: UInt64)] {
    [
      ("dropped_in_kernel", dropped), ("steered_by_cpu", byCPU), ("steered_by_home", byHome),
      ("steered_by_flow", byFlow), ("steered_by_kernel", byKernel),
    ] + drops.indices.map { (Self.dropNames[$0], drops[$0]) }
  }
}

extension RelayReport {
  /// What came to the sockets and was lost before anybody read it: their queues were full.
  package var lostUnread: UInt64 { sockets.lost(besides: steering.dropped) }

  /// What the kernel did for the relay, and then what became of each datagram that it handed over.
  var named: [(name: String, value: UInt64)] {
    let total = total
    return sockets.named(filtered: steering.dropped) + [("lost_at_start", lostAtStart)]
      + sockets.namedFrames + steering.named
      + RelayCounter.allCases.map { ($0.name, total[$0]) }
  }

  /// One JSON object: the groups' totals, every counter, and each worker's share of the client
  /// datagrams. Keys as `named` and `RelayCounter.name` have them.
  package var json: String {
    let total = total
    let groups = RelayCounterGroup.allCases.filter { $0 != .event }
      .map { (name: "\($0.rawValue)_total", value: total.total(of: $0)) }
    let counts = [
      (name: "workers", value: UInt64(workers.count)), ("routes", UInt64(routes)),
      ("log_lines_lost", logLinesLost),
    ]
    let members = (counts + groups + named).map { "\"\($0.name)\":\($0.value)" }
    let shares = workers.map { String($0.total(of: .client)) }.joined(separator: ",")
    return "{" + (members + ["\"client_total_by_worker\":[\(shares)]"]).joined(separator: ",") + "}"
  }

  /// The figures that are not zero, for a log line.
  package var text: String {
    let words = named.compactMap { $0.value == 0 ? nil : "\($0.name)=\($0.value)" }
    return words.isEmpty ? "nothing came" : words.joined(separator: " ")
  }
}
