package import RelayCore

/// What a relay has done so far.
package struct RelayReport: Sendable {
  /// Each worker's counters, in the order of their numbers.
  package internal(set) var workers: [RelayCounters] = []
  /// Routes held, all workers together.
  package internal(set) var routes = 0
  /// What the sockets did, all workers together.
  package internal(set) var sockets = SocketCounters()

  /// All workers' counters added up.
  package var total: RelayCounters {
    workers.reduce(into: RelayCounters()) { $0.add($1) }
  }
}

/// What the packet loops and the steering count, beneath the relay's own counters.
package struct SocketCounters: Sendable {
  /// Datagrams that the kernel handed over.
  package var received: UInt64 = 0
  /// Datagrams that the kernel took.
  package var sent: UInt64 = 0
  /// Datagrams that the kernel refused to send.
  package var sendFailures: UInt64 = 0
  /// Datagrams that the steering program dropped in the kernel.
  package var droppedInKernel: UInt64 = 0
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
      "\"dropped_in_kernel\":\(sockets.droppedInKernel)",
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
