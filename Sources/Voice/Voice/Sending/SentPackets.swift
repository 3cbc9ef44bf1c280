import Rtp
import Wire

/// The last packets that were sent, to make sense of what the receiver tells of them by their
/// transport-wide numbers. Memory is taken once.
@safe struct SentPackets: ~Copyable {
  /// What is known of a packet.
  enum Fate: UInt8 {
    case unknown, arrived
    /// Said not to have come; it may be late.
    case missing
    case lost
    /// Missed, and sent again: what comes then is the second one, unless it is too quick for that.
    case resent
  }

  struct Packet: BitwiseCopyable {
    var number: UInt16 = 0
    var sequenceNumber: UInt16 = 0
    /// On the wire, the IP header included.
    var byteCount: UInt16 = 0
    var fate = Fate.arrived
    var sent = Instant(nanoseconds: 0)
    /// When it was sent again, if it was, in milliseconds after `sent`.
    var resentAfterMilliseconds: UInt16 = 0
  }

  /// The transport-wide number of the next packet.
  private(set) var nextNumber: UInt16 = 0
  private let packets: UnsafeMutableBufferPointer<Packet>

  /// Five seconds of packets; a power of two.
  private static let capacity = 256

  init() {
    unsafe packets = .allocate(capacity: Self.capacity)
    unsafe packets.initialize(repeating: Packet())
  }

  deinit { unsafe packets.deallocate() }

  /// Takes note of the packet that has got `nextNumber`.
  mutating func note(sequenceNumber: UInt16, byteCount: Int, at now: Instant) {
    unsafe packets[Int(nextNumber) & (Self.capacity - 1)] = Packet(
      number: nextNumber, sequenceNumber: sequenceNumber, byteCount: UInt16(clamping: byteCount),
      fate: .unknown, sent: now)
    nextNumber &+= 1
  }

  /// A packet is asked for, and sent once more with the number that it has. Of those before it, so
  /// many steps back at most, the newest with this sequence number is meant.
  mutating func noteResent(sequenceNumber: UInt16, at now: Instant) {
    for step in 1...UInt16(Self.capacity) {
      let place = Int(nextNumber &- step) & (Self.capacity - 1)
      guard unsafe packets[place].sequenceNumber == sequenceNumber else { continue }
      guard unsafe packets[place].fate != .arrived else { return }
      unsafe packets[place].fate = .resent
      let after = unsafe now.milliseconds(since: packets[place].sent)
      unsafe packets[place].resentAfterMilliseconds = UInt16(clamping: after)
      return
    }
  }

  /// The packet with a number, nil when it was never sent or is forgotten.
  subscript(_ number: UInt16) -> Packet? {
    let packet = unsafe packets[Int(number) & (Self.capacity - 1)]
    guard packet.number == number, packet.sent.nanoseconds > 0 else { return nil }
    return packet
  }

  /// What became of a packet that is known.
  mutating func set(_ fate: Fate, for number: UInt16) {
    unsafe packets[Int(number) & (Self.capacity - 1)].fate = fate
  }
}
