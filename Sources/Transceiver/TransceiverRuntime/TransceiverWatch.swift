import Complaints
import Wire

/// What the counters of all shards tell the operator, worked out once a second. A plain value.
///
/// Not in the table, because it is part of the ordinary course: `unknown_ufrag` and `unknown_path`
/// (what clients still send of calls that have ended, or that ended with the run before this one).
/// How each call ended, and what of its packets was refused, stands in its own `call-ended` line.
struct TransceiverWatch {
  /// Calls that began while no relay has ever sent anything.
  static let neverHeardName = "unanswered_never_heard"
  /// Calls that began since the relays stopped sending anything.
  static let fellSilentName = "unanswered_fell_silent"
  /// From a client's answer to its first check, and more.
  private static let silentMilliseconds: UInt64 = 5_000

  private var complaints = Complaints(Self.table)
  private let trunks: [TransportAddress]
  private var relays = Unanswered(leastAsks: 1, milliseconds: Self.silentMilliseconds)
  private var neverHeard: UInt64 = 0
  private var fellSilent: UInt64 = 0

  /// - Parameter trunks: where relays reach the shards.
  init(trunks: [TransportAddress]) { self.trunks = trunks }

  /// What is due at `now`, from what all shards have done so far.
  mutating func look(at shards: [ShardStatistics], now: Instant) -> [ComplaintLine] {
    let totals = Self.totals(shards)
    let overdue = relays.note(
      asked: totals["begun"] ?? 0, answered: totals["received"] ?? 0, at: now)
    if relays.hasEverAnswered {
      fellSilent &+= overdue
    } else {
      neverHeard &+= overdue
    }
    return complaints.look(at: figures(totals), details: details(shards), now: now)
  }

  /// What the end must not leave unsaid.
  mutating func lastWords(of shards: [ShardStatistics], now: Instant) -> [ComplaintLine] {
    complaints.lastWords(
      of: figures(Self.totals(shards)), details: details(shards), now: now)
  }

  private static func totals(_ shards: [ShardStatistics]) -> [String: UInt64] {
    var totals: [String: UInt64] = [:]
    for shard in shards {
      for figure in shard.figures + shard.details {
        totals[figure.name, default: 0] &+= figure.value
      }
    }
    return totals
  }

  private func figures(_ totals: [String: UInt64]) -> [(name: String, value: UInt64)] {
    totals.map { ($0.key, $0.value) }
      + [(Self.neverHeardName, neverHeard), (Self.fellSilentName, fellSilent)]
  }

  private func details(_ shards: [ShardStatistics]) -> [String: String] {
    var details: [String: String] = [:]
    for shard in shards { details.merge(shard.known) { first, _ in first } }
    let names = trunks.prefix(4).map { trunk in
      "\(trunk)" + (trunk.isLoopback ? " (which only a relay of this machine can reach)" : "")
    }
    details[Self.neverHeardName] = "--trunk \(names.joined(separator: " "))"
    details[Self.fellSilentName] = details[Self.neverHeardName]
    return details
  }
}
