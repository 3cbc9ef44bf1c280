/// Application datagrams of the peer (SCTP's packets) that wait to be taken. Bounded: what finds no
/// room is lost, as a full socket buffer would lose it, and SCTP repeats it.
struct ReceivedData {
  private static let datagramsMax = 64

  private var datagrams: [[UInt8]] = []

  /// Takes all that the association can read now.
  mutating func read(from connection: DtlsConnection) {
    unsafe withUnsafeTemporaryAllocation(
      byteCount: DtlsConfiguration.datagramBytesMax, alignment: 1
    ) { buffer in
      while let count = unsafe connection.read(into: buffer) {
        guard datagrams.count < Self.datagramsMax else { continue }
        datagrams.append(unsafe Array(buffer[..<count]))
      }
    }
  }

  /// Writes the oldest into `buffer`, which is long enough, and gives its length; nil when there is
  /// none.
  mutating func next(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    guard !datagrams.isEmpty else { return nil }
    let datagram = datagrams.removeFirst()
    unsafe buffer.copyBytes(from: datagram)
    return datagram.count
  }
}
