package import Wire

/// The last packets that were sent, as they went out, to answer a NACK (RFC 4585, section 6.2.1).
///
/// It holds *protected* packets: sending the same bytes again reuses no key stream and passes the
/// receiver's replay check, since the first copy never came. Memory is taken once: `capacity` slots
/// of `slotByteCount`. A packet that does not fit a slot is not kept.
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
  package init(capacity: Int = 32, slotByteCount: Int = 320) {
    precondition(capacity > 0 && capacity & (capacity - 1) == 0, "not a power of two")
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
    let index = unsafe Int(sequenceNumber) & (slots.count - 1)
    guard packet.byteCount > 0, packet.byteCount <= min(slotByteCount, Int(UInt16.max)) else {
      unsafe slots[index].byteCount = 0
      return
    }
    unsafe slots[index] = Slot(
      sequenceNumber: sequenceNumber, byteCount: UInt16(packet.byteCount),
      resendsLeft: Self.resendsMax, lastSent: now)
    let place = unsafe storage.baseAddress! + index * slotByteCount
    unsafe packet.withUnsafeBytes { bytes in
      unsafe place.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
    }
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
