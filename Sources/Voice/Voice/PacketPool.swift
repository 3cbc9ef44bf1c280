/// Room for the payloads of a jitter buffer: small blocks, chained, so that the usual packet of a
/// hundred bytes takes a hundred and the rare large one still fits. Memory is taken once.
@safe struct PacketPool: ~Copyable {
  private let storage: UnsafeMutableRawBufferPointer
  private let following: UnsafeMutableBufferPointer<UInt16>
  private var firstFree: UInt16
  private(set) var freeCount: Int

  /// 192 blocks of 128 bytes are 24 KiB: 64 packets of 384 bytes, or 19 of the largest.
  private static let blockByteCount = 128
  private static let blockCount = 192
  /// The largest payload: one Opus frame of 1,275 bytes and its table of contents.
  static let payloadByteCountMax = 1_276

  init() {
    unsafe storage = .allocate(byteCount: Self.blockCount * Self.blockByteCount, alignment: 16)
    unsafe following = .allocate(capacity: Self.blockCount)
    for index in 0..<Self.blockCount {
      unsafe following.initializeElement(at: index, to: UInt16(index + 1))
    }
    firstFree = 0
    freeCount = Self.blockCount
  }

  deinit {
    unsafe storage.deallocate()
    unsafe following.deallocate()
  }

  static func blocks(for byteCount: Int) -> Int {
    (byteCount + blockByteCount - 1) / blockByteCount
  }

  /// Keeps a copy of `bytes`, for which there must be room, and returns its handle.
  mutating func store(_ bytes: UnsafeRawBufferPointer) -> UInt16 {
    precondition(Self.blocks(for: bytes.count) <= freeCount, "the packet pool is full")
    let handle = firstFree
    for start in stride(from: 0, to: bytes.count, by: Self.blockByteCount) {
      let part = unsafe UnsafeRawBufferPointer(
        rebasing: bytes[start..<min(start + Self.blockByteCount, bytes.count)])
      unsafe block(firstFree).copyMemory(from: part.baseAddress!, byteCount: part.count)
      firstFree = unsafe following[Int(firstFree)]
      freeCount -= 1
    }
    return handle
  }

  /// Copies the packet behind `handle` to `target`, which has room for it.
  func load(_ handle: UInt16, byteCount: Int, into target: UnsafeMutableRawBufferPointer) {
    precondition(byteCount <= target.count, "no room for the packet")
    var index = handle
    for start in stride(from: 0, to: byteCount, by: Self.blockByteCount) {
      let count = min(Self.blockByteCount, byteCount - start)
      unsafe (target.baseAddress! + start).copyMemory(from: block(index), byteCount: count)
      index = unsafe following[Int(index)]
    }
  }

  /// Gives the blocks of a packet back.
  mutating func remove(_ handle: UInt16, byteCount: Int) {
    let blocks = Self.blocks(for: byteCount)
    guard blocks > 0 else { return }
    var last = handle
    for _ in 1..<blocks { last = unsafe following[Int(last)] }
    unsafe following[Int(last)] = firstFree
    firstFree = handle
    freeCount += blocks
  }

  private func block(_ index: UInt16) -> UnsafeMutableRawPointer {
    unsafe storage.baseAddress! + Int(index) * Self.blockByteCount
  }
}
