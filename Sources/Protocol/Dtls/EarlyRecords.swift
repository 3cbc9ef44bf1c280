/// Records of messages whose turn has not come: networks swap datagrams, and a flight that is
/// repeated comes as one datagram for each message. Kept outside of OpenSSL, which would hold on to
/// the first that it got, however wrong. Bounded; the newest push the oldest out.
struct EarlyRecords {
  private static let recordsMax = 24
  private static let recordBytesMax = 1_500

  private var records: [[UInt8]] = []

  var isEmpty: Bool { records.isEmpty }

  mutating func keep(_ record: UnsafeRawBufferPointer) {
    guard record.count <= Self.recordBytesMax else { return }
    if records.contains(where: { unsafe $0.isSameMessage(as: record) }) { return }
    if records.count == Self.recordsMax { records.removeFirst() }
    unsafe records.append(Array(record))
  }

  func contains(where isMeant: ([UInt8]) -> Bool) -> Bool { records.contains(where: isMeant) }

  /// Takes the oldest record out whose turn it is.
  mutating func take(where isDue: ([UInt8]) -> Bool) -> [UInt8]? {
    guard let index = records.firstIndex(where: isDue) else { return nil }
    return records.remove(at: index)
  }
}

extension [UInt8] {
  /// Whether two records differ at most in their record number, which is new in each repetition.
  func isSameMessage(as record: UnsafeRawBufferPointer) -> Bool {
    guard count == record.count, count > 11 else { return false }
    return unsafe self[0] == record[0] && self[4] == record[4]
      && dropFirst(11).elementsEqual(record.dropFirst(11))
  }
}
