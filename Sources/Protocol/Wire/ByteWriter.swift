/// Writes numbers in network order, and bytes, into memory that the caller owns.
///
/// The memory must outlive the writer. Running out of room is a mistake of ours, never of a peer,
/// and traps: who writes data of hostile length asks `room` first. Allocates nothing.
@safe package struct ByteWriter {
  /// The whole of the caller's memory.
  @usableFromInline let buffer: UnsafeMutableRawBufferPointer
  /// Bytes written so far.
  package internal(set) var count: Int

  /// Starts at the beginning of `buffer`.
  @_noLocks
  package init(into buffer: UnsafeMutableRawBufferPointer) {
    unsafe self.buffer = buffer
    count = 0
  }

  /// Bytes that still fit.
  @inlinable package var room: Int { @_noLocks get { unsafe buffer.count - count } }

  /// What has been written, valid as long as the caller's memory is.
  @inlinable package var written: UnsafeRawBufferPointer {
    @_noLocks get { unsafe UnsafeRawBufferPointer(start: buffer.baseAddress, count: count) }
  }

  /// One byte. Traps when `room` is 0.
  @_noLocks
  package mutating func append(u8 value: UInt8) {
    unsafe advance(by: 1).storeBytes(of: value, as: UInt8.self)
  }

  /// Two bytes, the highest first. Traps when `room` is less.
  @_noLocks
  package mutating func append(u16 value: UInt16) {
    unsafe advance(by: 2).storeBytes(of: value.bigEndian, as: UInt16.self)
  }

  /// Four bytes, the highest first. Traps when `room` is less.
  @_noLocks
  package mutating func append(u32 value: UInt32) {
    unsafe advance(by: 4).storeBytes(of: value.bigEndian, as: UInt32.self)
  }

  /// Eight bytes, the highest first. Traps when `room` is less.
  @_noLocks
  package mutating func append(u64 value: UInt64) {
    unsafe advance(by: 8).storeBytes(of: value.bigEndian, as: UInt64.self)
  }

  /// Appends a copy of `bytes`.
  @_noLocks
  package mutating func append(_ bytes: RawSpan) {
    let start = unsafe advance(by: bytes.byteCount)
    guard bytes.byteCount > 0 else { return }
    unsafe bytes.withUnsafeBytes { source in
      unsafe start.copyMemory(from: source.baseAddress!, byteCount: source.count)
    }
  }

  /// Appends a copy of `bytes`, for callers that hold a pointer from C.
  @_noLocks
  package mutating func append(_ bytes: UnsafeRawBufferPointer) {
    let start = unsafe advance(by: bytes.count)
    guard let source = bytes.baseAddress else { return }
    unsafe start.copyMemory(from: source, byteCount: bytes.count)
  }

  /// Appends `count` zero bytes.
  @_noLocks
  package mutating func append(zeros count: Int) {
    let start = unsafe advance(by: count)
    unsafe start.initializeMemory(as: UInt8.self, repeating: 0, count: count)
  }

  /// Overwrites the 16-bit number at `offset`, which must have been written already.
  @_noLocks
  package mutating func patch(u16 value: UInt16, at offset: Int) {
    unsafe written(at: offset, count: 2).storeBytes(of: value.bigEndian, as: UInt16.self)
  }

  /// Overwrites the 64-bit number at `offset`, which must have been written already.
  @_noLocks
  package mutating func patch(u64 value: UInt64, at offset: Int) {
    unsafe written(at: offset, count: 8).storeBytes(of: value.bigEndian, as: UInt64.self)
  }
}

extension ByteWriter {
  /// Reserves `length` bytes and returns where they start.
  @_noLocks @inline(__always)
  private mutating func advance(by length: Int) -> UnsafeMutableRawPointer {
    precondition(length >= 0 && length <= room, "ByteWriter is full")
    let start = unsafe buffer.baseAddress! + count
    count += length
    return unsafe start
  }

  /// Where the `length` bytes at `offset` are, which have been written already.
  @_noLocks @inline(__always)
  private func written(at offset: Int, count length: Int) -> UnsafeMutableRawPointer {
    precondition(offset >= 0 && offset <= count - length, "nothing is written there yet")
    return unsafe buffer.baseAddress! + offset
  }
}
