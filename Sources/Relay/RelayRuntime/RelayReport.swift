import CSteering
package import RelayCore

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

  /// All workers' counters added up.
  package var total: RelayCounters {
    workers.reduce(into: RelayCounters()) { $0.add($1) }
  }
}

/// What the packet loops count, beneath the relay's own counters.
package struct SocketCounters: Sendable {
  /// Datagrams that the kernel handed over.
  package var received: UInt64 = 0
  /// Datagrams that the kernel took.
  package var sent: UInt64 = 0
  /// Datagrams that the kernel refused to send.
  package var sendFailures: UInt64 = 0
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
  /// Dropped, because no client sends such a thing.
  package var dropped: UInt64 = 0
}

extension SteeringCounters {
  init(_ counters: steering_counters) {
    var counters = counters
    byCPU = counters.by_cpu
    byHome = counters.by_home
    byFlow = counters.by_flow
    byKernel = counters.by_kernel
    dropped = unsafe steering_dropped(&counters)
  }

  mutating func add(_ other: SteeringCounters) {
    byCPU &+= other.byCPU
    byHome &+= other.byHome
    byFlow &+= other.byFlow
    byKernel &+= other.byKernel
    dropped &+= other.dropped
  }
}

extension RelayReport {
  /// One JSON object: the groups' totals, every counter, and each worker's share of the client
  /// datagrams. Keys as `RelayCounter.name` has them.
  package var json: String {
    let total = total
    var members: [String] = ["\"workers\":\(workers.count)", "\"routes\":\(routes)"]
    members += [
      "\"received\":\(sockets.received)", "\"sent\":\(sockets.sent)",
      "\"send_failures\":\(sockets.sendFailures)",
      "\"dropped_in_kernel\":\(steering.dropped)",
      "\"steered_by_cpu\":\(steering.byCPU)", "\"steered_by_home\":\(steering.byHome)",
      "\"steered_by_flow\":\(steering.byFlow)", "\"steered_by_kernel\":\(steering.byKernel)",
    ]
    for group in RelayCounterGroup.allCases where group != .event {
      members.append("\"\(group.rawValue)_total\":\(total.total(of: group))")
    }
    for counter in RelayCounter.allCases {
      members.append("\"\(counter.name)\":\(total[counter])")
    }
    let shares = workers.map { String($0.total(of: .client)) }.joined(separator: ",")
    members.append("\"client_total_by_worker\":[\(shares)]")
    return "{" + members.joined(separator: ",") + "}"
  }

  /// The counters that are not zero, for a log line.
  package var text: String {
    let total = total
    let words = RelayCounter.allCases.compactMap { counter in
      total[counter] == 0 ? nil : "\(counter.name)=\(total[counter])"
    }
    return words.isEmpty ? "nothing came" : words.joined(separator: " ")
  }
}
