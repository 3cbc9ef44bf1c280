import CPacketLoop
import Log
import Runtime
import TransceiverCore
import Wire

/// A shard's report with what its sockets and its loop did: what logs and `--stats` tell.
struct ShardStatistics: Sendable {
  var transceiver: TransceiverID
  var calls: Int
  /// What a log line always has.
  var figures: [(name: String, value: UInt64)]
  /// What it has when it is not zero.
  var details: [(name: String, value: UInt64)]
  /// Trunk datagrams that were lost before anybody read them: the receive queue was full.
  var lostUnread: UInt64
  /// What is known of some figures beside their value, by name.
  var known: [String: String]

  init(_ report: ShardReport, _ loop: pl_counters) {
    transceiver = report.transceiver
    calls = report.calls
    known = report.details
    let sockets = SocketCounters(loop)
    lostUnread = sockets.lost(besides: 0)
    details = sockets.named() + report.ends
    figures =
      report.figures + [
        ("turns", loop.turns), ("receive_calls", loop.receive_calls),
        ("send_calls", loop.send_calls), ("received_bytes", loop.received_bytes),
        ("sent_bytes", loop.sent_bytes),
      ]
  }

  /// For one log line.
  var logFields: [(key: String, value: LogValue)] {
    let named = figures + details.filter { $0.value > 0 }
    return [("transceiver", .text("\(transceiver)")), ("calls", .number(calls))]
      + named.map { ($0.name, .number(Int(clamping: $0.value))) }
  }

  /// A JSON object.
  var json: String {
    let members =
      ["\"transceiver\":\"\(transceiver)\"", "\"calls\":\(calls)"]
      + (figures + details).map { "\"\($0.name)\":\($0.value)" }
    return "{" + members.joined(separator: ",") + "}"
  }
}
