import Complaints
import RelayCore
import Wire

/// Which transceivers are sent to and do not answer. A plain value, fed with what all workers
/// together have counted.
struct TransceiverSilence {
  /// Datagrams to transceivers that have never answered.
  static let neverHeardName = "unanswered_never_heard"
  /// Datagrams to transceivers that answered once and do not any more.
  static let fellSilentName = "unanswered_fell_silent"

  /// A client's first checks: one that waits for its answer sends as many within seconds.
  private static let leastAsks: UInt64 = 3
  /// Longer than a busy transceiver takes for an answer.
  private static let silentMilliseconds: UInt64 = 5_000
  /// A line names no more than so many.
  private static let namedMax = 4

  private let entries: [TransceiverEntry]
  private var watches: [Unanswered]
  private var neverHeard: UInt64 = 0
  private var fellSilent: UInt64 = 0

  init(_ entries: [TransceiverEntry]) {
    self.entries = entries
    watches = entries.map { _ in
      Unanswered(leastAsks: Self.leastAsks, milliseconds: Self.silentMilliseconds)
    }
  }

  /// Notes what was sent to each transceiver and heard of it, in the order of the entries. An empty
  /// list is what a worker has that has not reported yet.
  mutating func note(_ traffic: [TransceiverTraffic], at now: Instant) {
    for (place, pair) in traffic.enumerated() where place < watches.count {
      let overdue = watches[place].note(asked: pair.sent, answered: pair.heard, at: now)
      if watches[place].hasEverAnswered {
        fellSilent &+= overdue
      } else {
        neverHeard &+= overdue
      }
    }
  }

  /// The two counters.
  var figures: [(name: String, value: UInt64)] {
    [(Self.neverHeardName, neverHeard), (Self.fellSilentName, fellSilent)]
  }

  /// Who they are, by the counter's name.
  var details: [String: String] {
    [
      Self.neverHeardName: names { !$0.hasEverAnswered },
      Self.fellSilentName: names { $0.hasEverAnswered },
    ].compactMapValues { $0 }
  }

  private func names(of isMeant: (Unanswered) -> Bool) -> String? {
    let silent = zip(entries, watches).filter { $0.1.isSilent && isMeant($0.1) }
    guard !silent.isEmpty else { return nil }
    let named = silent.prefix(Self.namedMax).map { "\($0.0.id)=\($0.0.address)" }
    let rest = silent.count - named.count
    return named.joined(separator: " ") + (rest > 0 ? " and \(rest) more" : "")
  }
}
