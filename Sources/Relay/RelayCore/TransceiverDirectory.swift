import Wire

/// The transceivers that a worker forwards to at the moment: ID to place, place to trunk address.
///
/// It is an allow-list. Tokens name IDs, so nothing a client sends can make the relay send anywhere
/// else. Made of `TransceiverPlaces` by anybody, for one worker, which takes it in as a whole
/// (`RelayWorker.replaceDirectory`) and reads it on one thread; look-ups allocate nothing.
@safe package struct TransceiverDirectory: ~Copyable {
  /// An index slot: a transceiver's place, and its ID for the comparison.
  private struct Slot: BitwiseCopyable {
    var id: UInt32
    var place: Int32
  }

  private let slots: UnsafeMutablePointer<Slot>
  private let mask: Int
  /// By place. Port 0: the transceiver is away.
  private let entries: UnsafeMutablePointer<TransceiverEntry>
  /// Places, those of transceivers that are away included.
  package let count: Int

  /// The directory of the moment. Allocates 16 to 32 bytes a transceiver for the index, and 32 a
  /// place.
  package init(_ places: TransceiverPlaces) {
    count = places.count
    let capacity = PowerOfTwo.atLeast(count * 2)
    mask = capacity - 1
    unsafe slots = .allocate(capacity: capacity)
    unsafe slots.initialize(repeating: Slot(id: 0, place: -1), count: capacity)
    unsafe entries = .allocate(capacity: count)
    let nowhere = TransportAddress(high: 0, low: 0, port: 0)
    for (place, entry) in places.entries.enumerated() {
      unsafe (entries + place).initialize(
        to: entry ?? TransceiverEntry(id: places.id(at: place), address: nowhere))
      guard let entry else { continue }
      var slot = Self.home(of: entry.id, mask: mask)
      while unsafe slots[slot].place >= 0 { slot = (slot + 1) & mask }
      unsafe slots[slot] = Slot(id: entry.id.rawValue, place: Int32(place))
    }
  }

  deinit {
    unsafe slots.deallocate()
    unsafe entries.deallocate()
  }

  /// The place of `id`, or -1 when it is away or was never there.
  @_noLocks
  func place(of id: TransceiverID) -> Int {
    var slot = Self.home(of: id, mask: mask)
    // Ends: half the slots at least are empty.
    while unsafe slots[slot].place >= 0 {
      if unsafe slots[slot].id == id.rawValue { return unsafe Int(slots[slot].place) }
      slot = (slot &+ 1) & mask
    }
    return -1
  }

  /// Whether the transceiver at `place`, below `count`, is there. Routes may name one that is not.
  @_noLocks
  func isThere(_ place: Int) -> Bool {
    precondition(place >= 0 && place < count)
    return unsafe entries[place].address.port != 0
  }

  /// The transceiver at `place`, which `place(of:)` has returned or which `isThere`.
  @_noLocks
  func entry(at place: Int) -> TransceiverEntry {
    precondition(place >= 0 && place < count)
    return unsafe entries[place]
  }

  /// Whether every place of `former` means the same transceiver here.
  func continues(_ former: borrowing TransceiverDirectory) -> Bool {
    guard count >= former.count else { return false }
    var place = 0
    while place < former.count {
      guard unsafe entries[place].id == former.entries[place].id else { return false }
      place += 1
    }
    return true
  }

  @_noLocks @inline(__always)
  private static func home(of id: TransceiverID, mask: Int) -> Int {
    // The directory is configured, not hostile: a fixed multiplication spreads it well enough.
    Int(truncatingIfNeeded: (UInt64(id.rawValue) &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
  }
}
