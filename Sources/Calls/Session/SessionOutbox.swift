package import Backends
package import Voice
package import Wire

/// What a session wants sent, and what it wants known, since the last drain.
///
/// The shard owns one, hands it to each session call and drains it afterwards. Datagrams are built
/// in place in a fixed arena, so that a media packet costs no allocation. Not thread-safe: it
/// belongs to one shard's thread.
@safe package struct SessionOutbox: ~Copyable {
  /// The largest datagram that a session sends, in bytes: what fits an Ethernet path over IPv6
  /// with the trunk's headers beside it.
  package static let datagramCapacity = 1_408

  /// A queued datagram.
  package struct Item: BitwiseCopyable {
    /// Where it goes.
    package var path: PathID
    /// Bytes used of the slot.
    package var length: Int
    /// The client has proved that it receives on this path (return-path proof).
    package var proven: Bool
    /// The session is over for this path: the relay may forget the route. No payload.
    package var ended: Bool
  }

  private let arena: UnsafeMutableRawBufferPointer
  private let items: UnsafeMutableBufferPointer<Item>
  /// Datagrams queued since the last drain.
  package private(set) var count = 0
  /// Datagrams that found the outbox full, since creation.
  package private(set) var overflowCount: UInt64 = 0
  /// What the sessions' encoders may still make of the processor. The owner fills it in.
  package var budget = EncodingBudget.unlimited
  /// Rare happenings, in order. Empty on the media path.
  package private(set) var events: [SessionEvent] = []
  /// What the answering side wants done outside, in order.
  package private(set) var actions: [PartyAction] = []
  /// Actions between two drains; what one event of a client or a service can cause is far less.
  package static let actionsMax = 1_024

  /// Datagrams between two drains. A session call queues at most a NACK's worth of retransmissions
  /// beside one flight, so it is ample.
  package static let capacityUsual = 64

  /// - Parameter capacity: datagrams between two drains.
  package init(capacity: Int = capacityUsual) {
    unsafe arena = UnsafeMutableRawBufferPointer.allocate(
      byteCount: capacity * Self.datagramCapacity, alignment: 16)
    unsafe items = UnsafeMutableBufferPointer<Item>.allocate(capacity: capacity)
  }

  deinit {
    unsafe arena.deallocate()
    unsafe items.deallocate()
  }

  /// Datagrams that still find a slot.
  package var room: Int { unsafe items.count - count }

  /// The free slot to build the next datagram in; nil (and counted) when the outbox is full.
  package mutating func slot() -> UnsafeMutableRawBufferPointer? {
    guard unsafe count < items.count else {
      overflowCount &+= 1
      return nil
    }
    let start = count * Self.datagramCapacity
    return unsafe UnsafeMutableRawBufferPointer(
      rebasing: arena[start..<start + Self.datagramCapacity])
  }

  /// Queues the datagram that was built in the slot last handed out.
  package mutating func commit(length: Int, to path: PathID, proven: Bool) {
    precondition(length > 0 && length <= Self.datagramCapacity, "a datagram outside its slot")
    queue(Item(path: path, length: length, proven: proven, ended: false))
  }

  /// Queues the notice that the session is over for `path`; silently dropped when full, because
  /// the relay's own idle expiry does the same later.
  package mutating func commitEnded(_ path: PathID) {
    guard unsafe count < items.count else {
      overflowCount &+= 1
      return
    }
    queue(Item(path: path, length: 0, proven: false, ended: true))
  }

  private mutating func queue(_ item: Item) {
    unsafe precondition(count < items.count, "committed without a slot")
    unsafe items[count] = item
    count += 1
  }

  /// Queues an action; counted with the datagrams that overflowed when there are too many.
  package mutating func act(_ action: PartyAction) {
    guard actions.count < Self.actionsMax else {
      overflowCount &+= 1
      return
    }
    actions.append(action)
  }

  package mutating func note(_ event: SessionEvent) { events.append(event) }

  /// The queued datagram number `index` (0..<count).
  package func item(_ index: Int) -> Item {
    precondition(index >= 0 && index < count)
    return unsafe items[index]
  }

  /// The bytes of datagram number `index`, valid until `clear()`.
  package func bytes(_ index: Int) -> UnsafeRawBufferPointer {
    let length = item(index).length
    let start = index * Self.datagramCapacity
    return unsafe UnsafeRawBufferPointer(rebasing: arena[start..<start + length])
  }

  /// Forgets everything that was queued and noted.
  package mutating func clear() {
    count = 0
    if !actions.isEmpty { actions.removeAll(keepingCapacity: true) }
    if !events.isEmpty { events.removeAll(keepingCapacity: true) }
  }
}
