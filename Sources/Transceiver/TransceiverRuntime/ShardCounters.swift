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
}

extension Shard {
  /// One line with all counters, after the loop's end.
  func logCounters() {
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
      ])
  }
}
