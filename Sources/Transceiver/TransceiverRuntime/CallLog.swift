import Backends
import Log
import Session
import Signalling
import Token
import TransceiverCore
import Wire

// What of calls and shards goes to the log. Addresses of clients are masked, and of a call's ID
// only the beginning is shown.

extension CallID {
  /// Who knows a call's ID may end the call, so logs carry its beginning only.
  var logName: LogValue { .text(String(text.prefix(12))) }
}

extension Log {
  func write(_ event: CallEvent, of call: CallID, on transceiver: TransceiverID) {
    switch event {
    case .begun(let backend):
      info(
        "call-begun",
        [
          "call": call.logName, "shard": .number(Int(transceiver.shard)),
          "backend": .text(backend),
        ])
    case .notBegun(let reason):
      error("call-not-begun", ["call": call.logName, "reason": .text(reason)])
    case .session(let event): write(event, of: call)
    case .ended(let reason, let milliseconds, let figures):
      writeEnd(reason, milliseconds, call, figures)
    case .serviceOpened: info("service-opened", ["call": call.logName])
    case .serviceClosed(let reason):
      info("service-closed", ["call": call.logName, "detail": .text(reason)])
    case .serviceFailed(let reason):
      warning("service-failed", ["call": call.logName, "detail": .text(reason)])
    }
  }

  private func write(_ event: SessionEvent, of call: CallID) {
    switch event {
    case .reached(let path):
      info(
        "call-reached",
        [
          "call": call.logName, "client": .text(path.client.masked),
          "relay": .number(Int(path.ingress)),
        ])
    case .connected(let path, let milliseconds, let profile):
      info(
        "call-connected",
        [
          "call": call.logName, "client": .text(path.client.masked),
          "after_ms": .number(Int(milliseconds)), "srtp": .text(profile),
        ])
    case .channelOpened(let label, let milliseconds):
      info(
        "call-events-opened",
        [
          "call": call.logName, "label": .text(label), "after_ms": .number(Int(milliseconds)),
        ])
    case .channelsLost(let reason, let milliseconds):
      info(
        "call-channels-lost",
        [
          "call": call.logName, "detail": .text(reason), "after_ms": .number(Int(milliseconds)),
        ])
    case .recordForged(let path, let milliseconds):
      warning(
        "call-records-forged",
        [
          "call": call.logName, "client": .text(path.client.masked),
          "detail": .text(
            "DTLS came from the client's address that is not the client's, or was damaged on the "
              + "way; such records are dropped and counted, and the call goes on"),
          "after_ms": .number(Int(milliseconds)),
        ])
    case .moved(let path):
      info("call-moved", ["call": call.logName, "client": .text(path.client.masked)])
    // Told with the figures of the call.
    case .ended: break
    }
  }

  private func writeEnd(
    _ reason: SessionEnd, _ milliseconds: UInt64, _ call: CallID, _ figures: SessionFigures
  ) {
    let fields: [(key: String, value: LogValue)] = [
      ("call", call.logName), ("reason", .text(reason.name)),
      ("detail", .text(Self.detail(reason, figures) ?? "-")),
      ("after_ms", .number(Int(milliseconds))),
      ("rtp_received", .number(Int(figures.rtpAccepted))),
      ("rtp_lost", .number(Int(figures.packetsLost))), ("rtp_sent", .number(Int(figures.rtpSent))),
      ("refused", .number(Int(figures.mediaRefused &+ figures.stunIgnored))),
      ("dtls_forged", .number(Int(figures.dtlsForged))),
      ("buffer_target_ms", .number(Int(figures.bufferTargetMilliseconds))),
      ("buffer_max_ms", .number(Int(figures.bufferedMillisecondsMax))),
      ("pacer_max_ms", .number(Int(figures.pacerMillisecondsMax))),
      ("interruptions", .number(Int(figures.party.interruptions))),
      ("garbage", .number(Int(figures.party.serviceGarbage))),
    ]
    let setUp = figures.setUp.map { [("set_up", LogValue.text($0.rawValue))] } ?? []
    let named =
      figures.latency.named + (figures.encoding?.named ?? []) + figures.repair
      + (figures.channels?.named ?? [])
    info("call-ended", fields + setUp + named.map { ($0.name, .figure($0.value)) })
  }

  /// A call that never connected says what was seen of its client.
  private static func detail(_ reason: SessionEnd, _ figures: SessionFigures) -> String? {
    reason == .neverConnected ? figures.setUp?.explanation : reason.detail
  }
}

extension LogValue {
  /// A number, or a dash for what has not happened.
  fileprivate static func figure(_ value: UInt64?) -> LogValue {
    value.map { .number(Int($0)) } ?? .text("-")
  }
}
