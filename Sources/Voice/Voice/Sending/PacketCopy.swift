import Rtp
import Wire

/// The last packet's Opus, to be repeated in the next one (RFC 2198, section 3).
@safe struct PacketCopy: ~Copyable {
  private let bytes: UnsafeMutableRawBufferPointer
  private var byteCount = 0
  private var timestamp: UInt32 = 0

  /// What the ten bits of a block's length can say.
  private static let byteCountMax = 1_023
  /// An older copy is of no use to anybody; its distance has 14 bits.
  private static let unitsMax: UInt32 = 5_760
  /// A header of a copy, and that of the packet itself.
  static let headByteCount = 5

  init() { unsafe bytes = .allocate(byteCount: Self.byteCountMax, alignment: 16) }

  deinit { unsafe bytes.deallocate() }

  /// Bytes that `write` makes for a packet with `timestamp`; 0 when there is nothing to repeat.
  func headByteCount(before timestamp: UInt32) -> Int {
    guard byteCount > 0, timestamp &- self.timestamp <= Self.unitsMax else { return 0 }
    return Self.headByteCount + byteCount
  }

  /// Writes both headers and the copy; the packet's own Opus of `payloadType` follows.
  func write(before timestamp: UInt32, payloadType: UInt8, to writer: inout ByteWriter) {
    let offset = timestamp &- self.timestamp
    precondition(byteCount > 0 && offset < 1 << 14, "nothing to repeat")
    writer.append(u32: UInt32(0x80 | payloadType) << 24 | offset << 10 | UInt32(byteCount))
    writer.append(u8: payloadType)
    unsafe writer.append(UnsafeRawBufferPointer(rebasing: bytes[..<byteCount]))
  }

  /// Keeps what the next packet may repeat.
  mutating func keep(_ payload: UnsafeRawBufferPointer, timestamp: UInt32) {
    guard payload.count <= Self.byteCountMax else { return forget() }
    unsafe bytes.copyMemory(from: payload)
    byteCount = payload.count
    self.timestamp = timestamp
  }

  mutating func forget() { byteCount = 0 }
}
