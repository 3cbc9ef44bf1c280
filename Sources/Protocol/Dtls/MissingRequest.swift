import Wire

/// A server that does not ask who we are.
///
/// It need not ask for a certificate (RFC 5246, section 7.4.4); then its ServerHelloDone comes a
/// place sooner. But anybody can say that it does not ask, and who believes it wrongly ends the
/// handshake. So this waits for the CertificateRequest, which the same flight would bring.
struct MissingRequest {
  /// How long the rest of a flight may take.
  private static let waitMilliseconds: UInt64 = 60

  /// When a ServerHelloDone without a request before it is believed; `.never` while none is there.
  private(set) var deadline = Instant.never

  /// A datagram was read to its end. `isAwaited`: the handshake lives and wants the request next.
  mutating func note(
    isAwaited: Bool, afterCookie: Bool, _ early: EarlyRecords, _ filter: DtlsRecordFilter,
    at now: Instant
  ) {
    let sequence = Self.sequence(afterCookie: afterCookie)
    guard isAwaited, early.contains(where: { filter.isDone($0.span, sequence: sequence) }) else {
      deadline = .never
      return
    }
    if deadline == .never { deadline = now.advanced(byMilliseconds: Self.waitMilliseconds) }
  }

  /// The wait is over: takes the ServerHelloDone out of what came early. Nil when there is none, or
  /// another in the usual place: one of the two is forged. Both are forgotten then; an honest
  /// server repeats itself.
  mutating func takeDone(
    from early: inout EarlyRecords, afterCookie: Bool, _ filter: DtlsRecordFilter
  ) -> [UInt8]? {
    deadline = .never
    let sequence = Self.sequence(afterCookie: afterCookie)
    let done = early.take(where: { filter.isDone($0.span, sequence: sequence) })
    let other = early.take(where: { filter.isDone($0.span, sequence: sequence + 1) })
    return other == nil ? done : nil
  }

  /// The handshake is over.
  mutating func end() { deadline = .never }

  /// The message_seq of a ServerHelloDone that follows the ServerKeyExchange. A server that asked
  /// for a cookie has spent one number more (RFC 6347, section 4.2.2).
  private static func sequence(afterCookie: Bool) -> Int { afterCookie ? 4 : 3 }
}
