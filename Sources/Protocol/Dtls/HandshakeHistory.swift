/// The records that a handshake has taken without dying, so that they can be played to a fresh
/// one. Bounded; a handshake that grew past the bound can no longer be played in full.
struct HandshakeHistory {
  private static let recordsMax = 128
  private static let bytesMax = 65_536

  private(set) var records: [[UInt8]] = []
  private var byteCount = 0
  /// How many records the handshake had when it began to read the message it is at.
  private var recordsAtMessage = 0
  /// How many records the handshake had when it sent its last flight.
  private var recordsAtFlight = 0
  /// Deaths since the last whole message.
  private(set) var deaths = 0
  /// How often the peer repeated a whole flight since the last whole message.
  private(set) var repetitions = 0

  mutating func append(_ record: UnsafeRawBufferPointer) {
    guard records.count < Self.recordsMax, byteCount + record.count <= Self.bytesMax else {
      return
    }
    if let index = records.firstIndex(where: { unsafe $0.isSameMessage(as: record) }) {
      // Of fragments that overlap the last one counts, so the order must be kept.
      if index >= recordsAtMessage { records.append(records.remove(at: index)) }
      return
    }
    unsafe records.append(Array(record))
    byteCount += record.count
  }

  /// Whether the record repeats one that was taken.
  func contains(_ record: UnsafeRawBufferPointer) -> Bool {
    records.contains { unsafe $0.isSameMessage(as: record) }
  }

  /// Whether the server asked for a hello with a cookie, and has it. Its messages are numbered from
  /// 1 then.
  var hasVerifyRequest: Bool {
    records.first.map { DtlsRecordFilter.isVerifyRequest($0.span) } ?? false
  }

  /// The handshake has read a message to its end.
  mutating func noteMessage() {
    recordsAtMessage = records.count
    deaths = 0
    repetitions = 0
  }

  /// The handshake has sent a flight.
  mutating func noteFlight() {
    noteMessage()
    recordsAtFlight = records.count
  }

  /// The handshake died over a record that is not in here.
  mutating func noteDeath() { deaths += 1 }

  /// The peer repeats a flight that has been read, so it does not take ours.
  mutating func noteRepetition() { repetitions += 1 }

  /// Whether there are fragments of the message that is being read.
  var hasFragments: Bool { records.count > recordsAtMessage }

  /// Whether the fragments of the message that is being read claim another length for it than
  /// `fragment` does: then some of them are forged, and OpenSSL would not read on.
  func contradicts(_ fragment: HandshakeFragment) -> Bool {
    guard hasFragments else { return false }
    let first = records[recordsAtMessage]
    guard let known = HandshakeFragment(record: first.span) else { return false }
    return known.messageLength != fragment.messageLength
  }

  /// The fragments of the message that is being read.
  var fragments: [[UInt8]] { Array(records[recordsAtMessage...]) }

  /// Takes the fragments of the message that is being read out.
  mutating func dropFragments() -> [[UInt8]] { drop(from: recordsAtMessage) }

  /// Puts fragments back that `dropFragments` gave.
  mutating func restore(_ fragments: [[UInt8]]) {
    records += fragments
    for fragment in fragments { byteCount += fragment.count }
  }

  /// Forgets all that came since the last flight.
  mutating func dropSinceFlight() {
    _ = drop(from: recordsAtFlight)
    recordsAtMessage = recordsAtFlight
    deaths = 0
  }

  /// Forgets everything.
  mutating func dropAll() { self = HandshakeHistory() }

  private mutating func drop(from index: Int) -> [[UInt8]] {
    let dropped = Array(records[index...])
    for record in dropped { byteCount -= record.count }
    records.removeSubrange(index...)
    return dropped
  }
}
