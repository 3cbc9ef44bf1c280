package import Wire

/// A datagram that the relay wants sent.
///
/// `bytes` belongs to the worker or to the datagram that is being handled, and stays valid until
/// the worker's `reset` that follows the sending.
@safe package struct OutgoingDatagram: BitwiseCopyable {
  @_noLocks
  init(
    bytes: UnsafeRawBufferPointer, exit: UInt8, isTooLong: Bool = false,
    destination: TransportAddress
  ) {
    unsafe self.bytes = bytes
    self.exit = exit
    self.isTooLong = isTooLong
    self.destination = destination
  }

  /// The bytes to send, never empty.
  package let bytes: UnsafeRawBufferPointer
  /// The listener's number, or `trunk`.
  package let exit: UInt8
  /// It is longer than its way carries as a whole: it has to leave in fragments.
  package let isTooLong: Bool
  /// Where to.
  package let destination: TransportAddress

  /// The exit that is the trunk socket rather than a listener.
  @inlinable package static var trunk: UInt8 { @_noLocks get { 0xFF } }
}

/// What waits for sending, in order; fixed in size, one thread.
@safe struct OutputQueue: ~Copyable {
  private let items: UnsafeMutablePointer<OutgoingDatagram>
  private let capacity: Int
  private(set) var count = 0

  init(capacity: Int) {
    self.capacity = capacity
    unsafe items = .allocate(capacity: capacity)
  }

  deinit { unsafe items.deallocate() }

  /// How many more fit.
  var room: Int { @_noLocks get { capacity &- count } }

  @_noLocks
  mutating func append(_ item: OutgoingDatagram) {
    precondition(count < capacity, "the output queue is full: the runtime did not drain it")
    unsafe (items + count).initialize(to: item)
    count &+= 1
  }

  @_noLocks
  subscript(place: Int) -> OutgoingDatagram {
    precondition(place >= 0 && place < count)
    return unsafe items[place]
  }

  @_noLocks
  mutating func removeAll() { count = 0 }
}
