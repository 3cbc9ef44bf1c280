internal import Wire

/// Takes a sealed trunk datagram apart again into shorter ones that hold the same frames in the
/// same order: for one that turned out to be longer than its way carries.
///
/// Reads the datagram and writes into memory that the caller owns; both must outlive it. One
/// thread; allocates nothing.
@safe package struct BundleSplitter {
  private let datagram: UnsafeRawBufferPointer
  private let bytesMax: Int
  private let key: TrunkKey?
  private var writer: BundleWriter
  private var offset = TrunkHeader.bytes

  /// Pieces have at most `bytesMax` bytes, but for a frame that is longer by itself. `buffer` has
  /// room for as many bytes as the datagram has; traps when it has not. nil for what is no trunk
  /// datagram; its tag is not looked at, since it is one of our own.
  package init?(
    _ datagram: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer, bytesMax: Int,
    key: TrunkKey?
  ) {
    precondition(buffer.count >= datagram.count, "a piece may be as long as the whole")
    guard case .valid(let header) = unsafe TrunkDatagram.open(datagram.bytes, nil) else {
      return nil
    }
    unsafe self.datagram = datagram
    self.bytesMax = bytesMax
    self.key = key
    unsafe writer = BundleWriter(into: buffer, header)
  }

  /// The next piece, sealed; valid until the next call. nil when every frame has been in one.
  package mutating func next() -> UnsafeRawBufferPointer? {
    writer.restart()
    while case .frame(let frame, let payload) = unsafe TrunkDatagram.nextFrame(
      datagram.bytes, at: offset)
    {
      let bytes = writer.count + frame.headerBytes + payload.count
      guard writer.frames == 0 || bytes <= bytesMax else { break }
      let packet = unsafe UnsafeRawBufferPointer(rebasing: datagram[payload.offset..<payload.end])
      let isIn = unsafe writer.append(frame, packet)
      precondition(isIn, "a piece is never longer than the whole")
      offset = payload.end
    }
    guard writer.frames > 0 else { return nil }
    writer.seal(key)
    return unsafe writer.datagram
  }
}
