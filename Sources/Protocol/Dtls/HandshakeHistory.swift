/// The records that a handshake has taken without dying, so that they can be played to a fresh
/// one. Bounded; a handshake that grew past the bound can no longer be played, only begun again.
struct HandshakeHistory {
  private static let recordsMax = 128
  private static let bytesMax = 65_536

  private(set) var records: [[UInt8]] = []
  private var byteCount = 0
  /// How many records the handshake had when it sent its last flight.
  private var recordsAtFlight = 0
  private var diedHere = false

  mutating func append(_ record: UnsafeRawBufferPointer) {
    guard records.count < Self.recordsMax, byteCount + record.count <= Self.bytesMax else {
      return
    }
    // A repeated message differs in its record number alone, and changes nothing.
    let isRepeated = records.contains { known in
      unsafe known.count == record.count && known.dropFirst(11).elementsEqual(record.dropFirst(11))
        && known[0] == record[0] && known[4] == record[4]
    }
    if isRepeated { return }
    unsafe records.append(Array(record))
    byteCount += record.count
  }

  /// The handshake sent a new flight: what led there was right.
  mutating func noteFlight() {
    recordsAtFlight = records.count
    diedHere = false
  }

  /// The handshake died over a record that is not in here. On the second death without a flight
  /// between, forgets what came since the last flight and gives true.
  mutating func noteDeath() -> Bool {
    guard diedHere else {
      diedHere = true
      return false
    }
    for record in records[recordsAtFlight...] { byteCount -= record.count }
    records.removeSubrange(recordsAtFlight...)
    return true
  }
}
