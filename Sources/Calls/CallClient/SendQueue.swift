import Wire

/// Datagrams that wait to be sent, in memory taken once. One that finds no room is lost, as one
/// that meets a full socket is: every protocol above repeats what matters.
@safe struct SendQueue: ~Copyable {
  static let slotByteCount = 1536
  private static let slotCount = 16

  private let memory: UnsafeMutableRawBufferPointer
  private var entries: [(length: Int, to: TransportAddress)] = []
  private var head = 0

  init() {
    unsafe memory = .allocate(byteCount: Self.slotByteCount * Self.slotCount, alignment: 16)
    entries.reserveCapacity(Self.slotCount)
  }

  deinit { unsafe memory.deallocate() }

  /// Datagrams that still find a slot.
  var room: Int { Self.slotCount - entries.count }

  /// Where the next datagram may be written, `slotByteCount` bytes; nil when the queue is full.
  mutating func slot() -> UnsafeMutableRawBufferPointer? {
    guard entries.count < Self.slotCount else { return nil }
    let start = entries.count * Self.slotByteCount
    return unsafe UnsafeMutableRawBufferPointer(
      rebasing: memory[start..<(start + Self.slotByteCount)])
  }

  /// The first `length` bytes of the slot are a datagram for `address`.
  mutating func commit(length: Int, to address: TransportAddress) {
    precondition(length > 0 && length <= Self.slotByteCount)
    entries.append((length, address))
  }

  /// Copies the oldest datagram into `buffer`; nil when there is none. One that does not fit is
  /// dropped.
  mutating func next(
    into buffer: UnsafeMutableRawBufferPointer
  ) -> (length: Int, to: TransportAddress)? {
    while head < entries.count {
      let entry = entries[head]
      let start = head * Self.slotByteCount
      head += 1
      guard entry.length <= buffer.count else { continue }
      unsafe buffer.copyMemory(
        from: UnsafeRawBufferPointer(rebasing: memory[start..<(start + entry.length)]))
      return entry
    }
    entries.removeAll(keepingCapacity: true)
    head = 0
    return nil
  }
}
