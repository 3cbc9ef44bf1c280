package import Wire

/// The last packets that were sent, as they went out, to answer a NACK (RFC 4585, section 6.2.1).
///
/// It holds *protected* packets: sending the same bytes again reuses no key stream and passes the
/// receiver's replay check, since the first copy never came. Memory is taken once: `capacity` slots
/// of `slotByteCount`, which has to be as long as the longest packet.
@safe package struct PacketHistory: ~Copyable {
  private struct Slot: BitwiseCopyable {
    var sequenceNumber: UInt16 = 0
    var byteCount: UInt16 = 0
    var resendsLeft: UInt8 = 0
    var lastSent = Instant(nanoseconds: 0)
  }

  private let slots: UnsafeMutableBufferPointer<Slot>
  private let storage: UnsafeMutableRawBufferPointer
  private let slotByteCount: Int

  /// Each packet is sent again at most this often: a peer that asks for ever gets nothing more.
  private static let resendsMax: UInt8 = 3
  /// A second request within this time answers a copy that may still be on its way.
  private static let resendIntervalMilliseconds: UInt64 = 20

  /// `capacity` must be a power of two; 32 packets of 20 ms are 640 ms.
  package init(capacity: Int = 32, slotByteCount: Int) {
    precondition(capacity > 0 && capacity & (capacity - 1) == 0, "not a power of two")
    precondition(slotByteCount <= Int(UInt16.max), "longer than a datagram")
    unsafe slots = .allocate(capacity: capacity)
    unsafe slots.initialize(repeating: Slot())
    unsafe storage = .allocate(byteCount: capacity * slotByteCount, alignment: 16)
    self.slotByteCount = slotByteCount
  }

  deinit {
    unsafe slots.deallocate()
    unsafe storage.deallocate()
  }

  /// Keeps a copy of a packet that has just been sent.
  package mutating func store(_ packet: RawSpan, sequenceNumber: UInt16, at now: Instant) {
    precondition(packet.byteCount <= slotByteCount, "a packet longer than was said")
    let index = unsafe Int(sequenceNumber) & (slots.count - 1)
    unsafe slots[index] = Slot(
      sequenceNumber: sequenceNumber, byteCount: UInt16(packet.byteCount),
      resendsLeft: Self.resendsMax, lastSent: now)
    let place = unsafe storage.baseAddress! + index * slotByteCount
    unsafe packet.withUnsafeBytes { bytes in
      unsafe place.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
    }
  }

  /// A packet that has not been asked for yet, and can be sent again.
  package func isFirstRequest(_ sequenceNumber: UInt16) -> Bool {
    let slot = unsafe slots[Int(sequenceNumber) & (slots.count - 1)]
    return slot.byteCount > 0 && slot.sequenceNumber == sequenceNumber
      && slot.resendsLeft == Self.resendsMax
  }

  /// The packet to send again for a NACK at `now`; nil when it is gone or was sent often enough.
  /// The bytes are valid until the next `store`.
  package mutating func resend(
    _ sequenceNumber: UInt16, at now: Instant
  ) -> UnsafeRawBufferPointer? {
    let index = unsafe Int(sequenceNumber) & (slots.count - 1)
    let slot = unsafe slots[index]
    guard slot.byteCount > 0, slot.sequenceNumber == sequenceNumber, slot.resendsLeft > 0,
      now >= slot.lastSent.advanced(byMilliseconds: Self.resendIntervalMilliseconds)
    else { return nil }
    unsafe slots[index].resendsLeft -= 1
    unsafe slots[index].lastSent = now
    return unsafe UnsafeRawBufferPointer(
      start: storage.baseAddress! + index * slotByteCount, count: Int(slot.byteCount))
  }
}
