import CPacketLoop
import Log
import Runtime
import Session
import Signalling
import Trunk
import Wire

/// What a shard has done so far, as the shard itself counts it.
struct ShardReport: Sendable {
  var transceiver: TransceiverID
  /// Calls that live there now.
  var calls: Int
  /// Every figure with its name in logs and JSON, in the order in which a person reads them. Every
  /// trunk datagram that came is in one of `bundles`, `forged`, `malformed`, `misdirected` and
  /// `truncated`; every packet in the bundles with its session, or in one of the unknown ones.
  var figures: [(name: String, value: UInt64)]
  /// What is known of some figures beside their value, by name.
  var details: [String: String] = [:]
  /// How the calls ended.
  var ends: [(name: String, value: UInt64)]
}

extension Shard {
  /// Made on the shard's thread, or after its end. Allocates.
  func makeReport() -> ShardReport {
    ShardReport(
      transceiver: identity.transceiver, calls: sessions.count,
      figures: counters.named + [
        ("bundles_sent", downlink.datagrams), ("packets_sent", downlink.frames),
        ("too_large", downlink.tooLarge), ("outbox_full", outbox.overflowCount),
      ] + watch.named, details: details, ends: counters.ends)
  }

  private var details: [String: String] {
    guard let header = counters.lastMisdirected else { return [:] }
    let sender = "relay \(header.ingress) of cluster \(header.cluster)"
    let addressee = "transceiver \(header.transceiver), and this is \(identity.transceiver)"
    return [
      "misdirected": header.kind == .up
        ? "\(sender) means \(addressee) of cluster \(identity.cluster)"
        : "\(header.transceiver) sends it as if to relay \(header.ingress)"
    ]
  }
}

extension ShardCounters {
  fileprivate var named: [(name: String, value: UInt64)] {
    [
      ("bundles", bundles), ("packets", packets), ("unknown_ufrag", unknownUfrag),
      ("unknown_path", unknownPath), ("forged", forged), ("malformed", malformed),
      ("malformed_frames", malformedBundles), ("misdirected", misdirected),
      ("truncated", truncated), ("in_p50_us", takingIn.share(0.5)),
      ("in_p99_us", takingIn.share(0.99)), ("out_p50_us", sayingOut.share(0.5)),
      ("out_p99_us", sayingOut.share(0.99)), ("begun", begun),
      ("calls_unseen", callsUnseen),
    ]
  }

  fileprivate var ends: [(name: String, value: UInt64)] {
    SessionEnd.names.map { name in
      (name: "ended_" + name.replacing("-", with: "_"), value: ended[name] ?? 0)
    }
  }
}

extension ShardWatch {
  /// The percentages are the last second's; `overloaded` is 1 while it is, `overloads` how often
  /// it became so.
  fileprivate var named: [(name: String, value: UInt64)] {
    [
      ("frames", frames), ("frames_late", lateFrames),
      ("late_percent", UInt64(admission.last.latePercent)),
      ("busy_percent", UInt64(admission.last.busyPercent)),
      ("overloaded", admission.cause == nil ? 0 : 1), ("overloads", admission.overloads),
    ]
  }
}

extension DurationCounts {
  fileprivate func share(_ share: Double) -> UInt64 { UInt64(microseconds(share: share)) }
}

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
