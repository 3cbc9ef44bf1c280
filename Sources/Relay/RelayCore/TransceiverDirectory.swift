package import Wire

/// Why a list of transceivers cannot be used. For set-up, never on the packet path.
package enum DirectoryError: Error, Equatable, CustomStringConvertible {
  /// The list is empty: nothing could be forwarded.
  case empty
  /// More than `RelayLimits.transceiversMax`.
  case tooMany(Int)
  /// One ID stands for two addresses.
  case duplicate(TransceiverID)
  /// Port 0 or the unspecified address: nothing can be sent there.
  case unreachable(TransceiverID, TransportAddress)

  package var description: String {
    switch self {
    case .empty: "no transceiver is given"
    case .tooMany(let count):
      "\(count) transceivers are given, \(RelayLimits.transceiversMax) are the most"
    case .duplicate(let id): "transceiver \(id) is given twice"
    case .unreachable(let id, let address): "transceiver \(id) cannot be at \(address)"
    }
  }
}

/// One transceiver shard as a relay knows it.
package struct TransceiverEntry: Hashable, Sendable {
  package var id: TransceiverID
  /// Where its trunk socket listens.
  package var address: TransportAddress

  package init(id: TransceiverID, address: TransportAddress) {
    self.id = id
    self.address = address
  }
}

/// What went to a transceiver and came from it, in trunk datagrams.
package struct TransceiverTraffic: Sendable, BitwiseCopyable, Equatable {
  package var sent: UInt64 = 0
  /// With a tag that holds.
  package var heard: UInt64 = 0

  package init() {}
}

/// The transceivers that a relay forwards to: ID to trunk address, fixed from the start.
///
/// It is an allow-list. Tokens name IDs, so nothing a client sends can make the relay send anywhere
/// else. One thread uses it; look-ups allocate nothing.
@safe package struct TransceiverDirectory: ~Copyable {
  /// An index slot: a transceiver's place, and its ID for the comparison.
  private struct Slot: BitwiseCopyable {
    var id: UInt32
    var place: Int32
  }

  private let slots: UnsafeMutablePointer<Slot>
  private let mask: Int
  private let entries: UnsafeMutablePointer<TransceiverEntry>
  private let counts: UnsafeMutablePointer<TransceiverTraffic>
  /// Transceivers in the directory.
  package let count: Int

  package init(_ list: [TransceiverEntry]) throws(DirectoryError) {
    try Self.check(list)
    let capacity = PowerOfTwo.atLeast(list.count * 2)
    count = list.count
    mask = capacity - 1
    unsafe slots = .allocate(capacity: capacity)
    unsafe slots.initialize(repeating: Slot(id: 0, place: -1), count: capacity)
    unsafe entries = .allocate(capacity: list.count)
    unsafe counts = .allocate(capacity: list.count)
    unsafe counts.initialize(repeating: TransceiverTraffic(), count: list.count)
    for (place, entry) in list.enumerated() {
      unsafe (entries + place).initialize(to: entry)
      var slot = Self.home(of: entry.id, mask: mask)
      while unsafe slots[slot].place >= 0 { slot = (slot + 1) & mask }
      unsafe slots[slot] = Slot(id: entry.id.rawValue, place: Int32(place))
    }
  }

  deinit {
    unsafe slots.deallocate()
    unsafe entries.deallocate()
    unsafe counts.deallocate()
  }

  private static func check(_ list: [TransceiverEntry]) throws(DirectoryError) {
    guard !list.isEmpty else { throw .empty }
    guard list.count <= RelayLimits.transceiversMax else { throw .tooMany(list.count) }
    var seen: Set<TransceiverID> = []
    for entry in list {
      guard seen.insert(entry.id).inserted else { throw .duplicate(entry.id) }
      let address = entry.address
      guard address.port != 0, !address.isWildcard else { throw .unreachable(entry.id, address) }
    }
  }

  /// The place of `id`, or -1 when this relay does not know it.
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

  /// The transceiver at `place`, which `place(of:)` has returned.
  @_noLocks
  func entry(at place: Int) -> TransceiverEntry {
    precondition(place >= 0 && place < count)
    return unsafe entries[place]
  }

  /// Counts a datagram to the transceiver at `place`.
  @_noLocks
  func noteSent(to place: Int) {
    precondition(place >= 0 && place < count)
    unsafe counts[place].sent &+= 1
  }

  /// Counts a datagram from the transceiver at `place`.
  @_noLocks
  func noteHeard(from place: Int) {
    precondition(place >= 0 && place < count)
    unsafe counts[place].heard &+= 1
  }

  /// What each transceiver was sent and said, in the order of the list. Allocates.
  var traffic: [TransceiverTraffic] {
    unsafe Array(UnsafeBufferPointer(start: counts, count: count))
  }

  @_noLocks @inline(__always)
  private static func home(of id: TransceiverID, mask: Int) -> Int {
    // The directory is configured, not hostile: a fixed multiplication spreads it well enough.
    Int(truncatingIfNeeded: (UInt64(id.rawValue) &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
  }
}
