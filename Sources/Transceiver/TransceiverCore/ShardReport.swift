import Session
import Signalling
import Trunk
package import Wire

/// What a shard has done so far, as the shard itself counts it.
package struct ShardReport: Sendable {
  /// Which shard it is of.
  package var transceiver: TransceiverID
  /// Calls that live there now.
  package var calls: Int
  /// Every figure with its name in logs and JSON, in the order in which a person reads them. Every
  /// trunk datagram that came is in one of `bundles`, `forged`, `malformed`, `misdirected` and
  /// `truncated`; every packet in the bundles with its session, or in one of the unknown ones.
  package var figures: [(name: String, value: UInt64)]
  /// What is known of some figures beside their value, by name.
  package var details: [String: String] = [:]
  /// How the calls ended.
  package var ends: [(name: String, value: UInt64)]

  /// Of a shard that has not reported yet.
  package init(ofNothingBy transceiver: TransceiverID) {
    self.init(transceiver: transceiver, calls: 0, figures: [], ends: [])
  }

  init(
    transceiver: TransceiverID, calls: Int, figures: [(name: String, value: UInt64)],
    details: [String: String] = [:], ends: [(name: String, value: UInt64)]
  ) {
    self.transceiver = transceiver
    self.calls = calls
    self.figures = figures
    self.details = details
    self.ends = ends
  }
}

extension Shard {
  /// What it has done so far. Allocates: not for each packet.
  package func makeReport() -> ShardReport {
    ShardReport(
      transceiver: configuration.transceiver, calls: calls.count,
      figures: counters.named + [
        ("bundles_sent", bundles.datagrams), ("packets_sent", bundles.frames),
        ("too_large", bundles.tooLarge), ("outbox_full", outbox.overflowCount),
      ] + load.named, details: details, ends: counters.ends)
  }

  private var details: [String: String] {
    guard let header = counters.lastMisdirected else { return [:] }
    let sender = "relay \(header.ingress) of cluster \(header.cluster)"
    let addressee = "transceiver \(header.transceiver), and this is \(configuration.transceiver)"
    return [
      "misdirected": header.kind == .up
        ? "\(sender) means \(addressee) of cluster \(configuration.cluster)"
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
      ("truncated", truncated), ("in_p50_us", receiveDelay.share(0.5)),
      ("in_p99_us", receiveDelay.share(0.99)), ("out_p50_us", sendDelay.share(0.5)),
      ("out_p99_us", sendDelay.share(0.99)), ("begun", begun),
      ("calls_unseen", callsUnseen),
    ]
  }

  fileprivate var ends: [(name: String, value: UInt64)] {
    SessionEnd.names.map { name in
      (name: "ended_" + name.replacing("-", with: "_"), value: ended[name] ?? 0)
    }
  }
}

extension ShardLoad {
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
