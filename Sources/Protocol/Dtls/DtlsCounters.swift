/// What became of the records that arrived; every record ends in exactly one of the first nine.
package struct DtlsCounters: Equatable, Sendable {
  /// Nothing has arrived.
  package init() {}

  /// Handed to the handshake or the association.
  package var passed: UInt64 = 0
  /// Not a record: length, version or content is impossible. Counts the rest of the datagram once.
  package var malformed: UInt64 = 0
  /// An alert that nobody signed.
  package var alertInClear: UInt64 = 0
  /// A handshake message that this end cannot receive, at this place, of this size.
  package var implausible: UInt64 = 0
  /// Sound, but not what the handshake waits for: repeated, forged, or early. Early ones are kept
  /// until their turn, and not counted again then.
  package var outOfPlace: UInt64 = 0
  /// In the clear although the handshake is over.
  package var clearAfterHandshake: UInt64 = 0
  /// Protected, and the tag does not hold: not from the peer, or damaged. Counts the rest of the
  /// datagram too.
  package var forged: UInt64 = 0
  /// Protected, with a number that was used before or is 64 below the newest (RFC 6347, section
  /// 4.1.2.6).
  package var replayed: UInt64 = 0
  /// Arrived while the endpoint was idle, failed or closed, or while a killed handshake waited to
  /// be put back. Counts the rest of the datagram once.
  package var unwanted: UInt64 = 0
  /// How often a killed handshake was put back to where it stood before the fatal record.
  package var restarts: UInt64 = 0

  mutating func count(_ reason: DtlsRecordFilter.DropReason) {
    switch reason {
    case .malformed: malformed += 1
    case .alertInClear: alertInClear += 1
    case .implausible: implausible += 1
    case .outOfPlace: outOfPlace += 1
    case .clearAfterHandshake: clearAfterHandshake += 1
    }
  }

  mutating func count(_ admission: DtlsConnection.Admission) {
    switch admission {
    case .taken: passed += 1
    case .forged: forged += 1
    case .replayed: replayed += 1
    case .early: outOfPlace += 1
    case .unfit: malformed += 1
    }
  }
}
