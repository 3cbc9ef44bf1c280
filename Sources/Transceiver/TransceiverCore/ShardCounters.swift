import Trunk

/// Where each trunk datagram, and each packet within, ended. One thread.
package struct ShardCounters: Sendable {
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
  /// The last such datagram's header; its tag held.
  var lastMisdirected: TrunkHeader?

  /// Bundles whose last frames could not be read.
  var malformedBundles: UInt64 = 0
  /// Client packets in bundles.
  var packets: UInt64 = 0
  /// STUN for a call that does not live here (any more).
  var unknownUfrag: UInt64 = 0
  /// Anything else from a path that no call knows.
  var unknownPath: UInt64 = 0

  /// Calls that began here.
  var begun: UInt64 = 0
  /// Calls that ended here, by `SessionEnd.name`.
  var ended: [String: UInt64] = [:]
  /// Calls that ended as `never-connected` without a single check of their client.
  var callsUnseen: UInt64 = 0

  /// Until a batch's packets were with their sessions, from the moment since which they can have
  /// waited in the socket, for each batch.
  var receiveDelay = DurationCounts()
  /// From the moment at which a session wanted to run, nearly always to say a frame, until what it
  /// said was given to the kernel: waiting for the thread, decoding, encoding, SRTP, bundling.
  var sendDelay = DurationCounts()
}
