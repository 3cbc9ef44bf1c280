internal import Wire

/// Gathers client packets for one destination into one trunk datagram.
///
/// Writes into memory that the caller owns and that must outlive it. One thread at a time;
/// allocates nothing. Use: `append` until it refuses, `seal`, send `datagram`, `restart`.
@safe package struct BundleWriter {
  private let buffer: UnsafeMutableRawBufferPointer
  private var writer: ByteWriter
  private var header: TrunkHeader
  /// Client packets in the bundle.
  package private(set) var frames = 0

  /// Starts a bundle of at most `buffer.count` bytes. Traps when not even the header fits.
  @_noLocks
  package init(into buffer: UnsafeMutableRawBufferPointer, _ header: TrunkHeader) {
    unsafe self.buffer = buffer
    self.header = header
    unsafe writer = ByteWriter(into: buffer)
    header.write(to: &writer)
  }

  /// Starts over in the same memory, for the same destination.
  @_noLocks
  package mutating func restart() { restart(header) }

  /// Starts over in the same memory, for another destination.
  @_noLocks
  package mutating func restart(_ header: TrunkHeader) {
    self.header = header
    frames = 0
    unsafe writer = ByteWriter(into: buffer)
    header.write(to: &writer)
  }

  /// Bytes in the bundle, header included.
  package var count: Int { @_noLocks get { writer.count } }

  /// Appends one client packet. False, and nothing changed, when it does not fit this bundle any
  /// more, or no bundle at all (more than `TrunkFrame.payloadBytesMax`).
  @_noLocks
  package mutating func append(_ frame: TrunkFrame, _ payload: UnsafeRawBufferPointer) -> Bool {
    let length = payload.count
    guard length <= TrunkFrame.payloadBytesMax, frame.headerBytes + length <= writer.room else {
      return false
    }
    frame.write(to: &writer, length: length)
    unsafe writer.append(payload)
    frames += 1
    return true
  }

  /// Fills the bundle up to `length` bytes when `slack` bytes or fewer are missing; nothing may be
  /// appended afterwards. Bundles of one length cost the kernel less (`TrunkFrame`).
  @_noLocks
  package mutating func pad(to length: Int, slack: Int) {
    let missing = length - writer.count
    guard missing > 0, missing <= slack, missing <= writer.room else { return }
    writer.append(u8: TrunkFrame.paddingBit)
    writer.append(zeros: missing - 1)
  }

  /// Writes the tag; without a key it stays zero. Nothing may be appended afterwards.
  @_noLocks
  package mutating func seal(_ key: TrunkKey?) {
    guard let key else { return }
    unsafe writer.patch(u64: key.tag(writer.written), at: TrunkHeader.tagOffset)
  }

  /// The datagram, once sealed; valid until `restart` or as long as the caller's memory is.
  package var datagram: UnsafeRawBufferPointer { @_noLocks get { unsafe writer.written } }
}
