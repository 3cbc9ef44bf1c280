import CPacketLoop
import Log
import Session

/// Where each trunk datagram, and each packet within, ended. One thread.
struct ShardCounters {
  /// Trunk datagrams with a good tag for this shard.
  var bundles: UInt64 = 0
  /// Longer than the receive buffer.
  var truncated: UInt64 = 0
  /// A wrong tag.
  var forged: UInt64 = 0
  /// Not of our version or kinds, or too short.
  var malformed: UInt64 = 0
  /// For another shard, or of a kind that only relays take.
  var misdirected: UInt64 = 0

  /// Bundles whose last frames could not be read.
  var malformedBundles: UInt64 = 0
  /// Client packets in bundles.
  var packets: UInt64 = 0
  /// STUN for a call that does not live here (any more).
  var unknownUfrag: UInt64 = 0
  /// Anything else from a path that no call knows.
  var unknownPath: UInt64 = 0

  /// From the reading of a batch until its packets were with their sessions, for each batch.
  var takingIn = DurationCounts()
  /// From the moment at which a session wanted to run, nearly always to say a frame, until what it
  /// said was given to the kernel: waiting for the thread, decoding, encoding, SRTP, bundling.
  var sayingOut = DurationCounts()
}

extension Shard {
  /// One line with all counters, after the loop's end.
  func logCounters(_ loop: pl_counters) {
    log.info(
      "shard-stopped",
      [
        "transceiver": .text("\(identity.transceiver)"),
        "bundles": .number(Int(counters.bundles)), "packets": .number(Int(counters.packets)),
        "unknown_ufrag": .number(Int(counters.unknownUfrag)),
        "unknown_path": .number(Int(counters.unknownPath)),
        "forged": .number(Int(counters.forged)),
        "malformed": .number(Int(counters.malformed &+ counters.malformedBundles)),
        "misdirected": .number(Int(counters.misdirected)),
        "truncated": .number(Int(counters.truncated)),
        "bundles_sent": .number(Int(downlink.datagrams)),
        "packets_sent": .number(Int(downlink.frames)),
        "too_large": .number(Int(downlink.tooLarge)),
        "outbox_full": .number(Int(outbox.overflowCount)),
        "turns": .number(Int(loop.turns)),
        "receive_calls": .number(Int(loop.receive_calls)),
        "send_calls": .number(Int(loop.send_calls)),
        "received_bytes": .number(Int(loop.received_bytes)),
        "sent_bytes": .number(Int(loop.sent_bytes)),
        "in_p50_us": .number(counters.takingIn.microseconds(share: 0.5)),
        "in_p99_us": .number(counters.takingIn.microseconds(share: 0.99)),
        "out_p50_us": .number(counters.sayingOut.microseconds(share: 0.5)),
        "out_p99_us": .number(counters.sayingOut.microseconds(share: 0.99)),
      ])
  }
}
