package import Wire

/// What a sealed token says: which shard owns the session, and when it was minted.
package struct TokenContents: Hashable, Sendable, BitwiseCopyable {
  /// Which cluster of transceivers.
  package var cluster: UInt16
  /// The node and the shard that own the session; a relay looks up where they are.
  package var transceiver: TransceiverID
  /// When, in minutes by `TokenClock`; 24 bits.
  package var mintedMinutes: UInt32
  /// What makes two tokens of one minute different.
  package var nonce: UInt32

  /// Traps when `mintedMinutes` does not fit 24 bits; `TokenClock` never gives such a number.
  @_noLocks @inlinable
  package init(
    cluster: UInt16, transceiver: TransceiverID, mintedMinutes: UInt32, nonce: UInt32 = 0
  ) {
    precondition(mintedMinutes <= TokenClock.minutesMax, "minutes of a token have 24 bits")
    self.cluster = cluster
    self.transceiver = transceiver
    self.mintedMinutes = mintedMinutes
    self.nonce = nonce
  }
}

/// The clock of tokens: whole minutes since 2026-01-01 00:00 UTC, good until the year 2057.
package enum TokenClock {
  /// When it begins, as `CLOCK_REALTIME` has it.
  @inlinable package static var beginUnixSeconds: Int { @_noLocks get { 1_767_225_600 } }
  /// What 24 bits hold; reached in November 2057.
  @inlinable package static var minutesMax: UInt32 { @_noLocks get { 0xFF_FFFF } }

  /// Token minutes from the seconds of `CLOCK_REALTIME`; kept within 0...`minutesMax`.
  @_noLocks @inlinable
  package static func minutes(unixSeconds: Int64) -> UInt32 {
    let seconds = unixSeconds.subtractingReportingOverflow(Int64(beginUnixSeconds))
    guard !seconds.overflow, seconds.partialValue > 0 else { return 0 }
    return UInt32(min(seconds.partialValue / 60, Int64(minutesMax)))
  }
}
