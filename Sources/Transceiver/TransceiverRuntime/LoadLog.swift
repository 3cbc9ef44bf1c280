import Log
import Signalling
import TransceiverCore
import Wire

extension Log {
  /// Whether a shard keeps up with its calls, when that changes.
  func write(
    _ news: Admission.News, _ second: ShardSecond, of transceiver: TransceiverID, calls: Int,
    refuses: Bool
  ) {
    let fields: [(key: String, value: LogValue)] = [
      ("transceiver", .text("\(transceiver)")), ("calls", .number(calls)),
      ("late_percent", .number(second.latePercent)), ("busy_percent", .number(second.busyPercent)),
      ("lost_unread", .number(Int(clamping: second.lostUnread))),
    ]
    switch news {
    case .recovered: info("shard-keeps-up-again", fields)
    case .late(let cause, let unsaid):
      warning(
        "shard-overloaded",
        fields + [
          ("new_calls", .text(refuses ? "refused with 503" : "taken")),
          ("unsaid_before", .number(Int(clamping: unsaid))),
          ("likely_cause", .text(cause.sentence)), ("remedy", .text(cause.remedy)),
        ])
    }
  }
}

extension Admission.Cause {
  fileprivate var sentence: String {
    switch self {
    case .calls: "it has more calls than its thread can do"
    case .others: "other programs take the CPU that it waits for"
    }
  }

  fileprivate var remedy: String {
    switch self {
    case .calls: "more --shards where CPUs are idle, another machine where not, or fewer --calls"
    case .others: "CPUs of its own, or less beside it"
    }
  }
}
