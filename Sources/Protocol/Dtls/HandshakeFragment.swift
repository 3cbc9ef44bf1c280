/// The first fragment of a clear handshake record that has passed the filter.
struct HandshakeFragment: Equatable {
  /// Bytes in the whole message.
  let messageLength: Int
  /// The fragment is the whole message.
  let isWhole: Bool

  /// Nil for another kind of record.
  init?(record: Span<UInt8>) {
    let start = DtlsRecordFilter.recordHeaderBytes
    guard record.count >= start + DtlsRecordFilter.fragmentHeaderBytes, record[0] == 22,
      record.number(at: 3, bytes: 2) == 0
    else { return nil }
    messageLength = record.number(at: start + 1, bytes: 3)
    isWhole = record.number(at: start + 9, bytes: 3) == messageLength
  }
}

extension Span<UInt8> {
  /// A number of up to four bytes, highest first.
  func number(at offset: Int, bytes count: Int) -> Int {
    var value = 0
    for index in offset..<(offset + count) { value = value << 8 | Int(self[index]) }
    return value
  }
}
