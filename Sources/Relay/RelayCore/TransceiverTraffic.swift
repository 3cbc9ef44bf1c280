/// What went to a transceiver and came from it, in trunk datagrams.
package struct TransceiverTraffic: Sendable, BitwiseCopyable, Equatable {
  /// Sent to it.
  package var sent: UInt64 = 0
  /// Heard from it, with a tag that holds.
  package var heard: UInt64 = 0

  /// Nothing yet.
  package init() {}
}

/// The traffic of each place, for all places that an epoch can have; it goes on when the directory
/// is replaced. Fixed in size; one thread.
@safe struct TrafficTable: ~Copyable {
  private let counts: UnsafeMutablePointer<TransceiverTraffic>
  private let placesMax: Int

  /// Allocates 16 bytes a place.
  init(placesMax: Int) {
    self.placesMax = placesMax
    unsafe counts = .allocate(capacity: placesMax)
    unsafe counts.initialize(repeating: TransceiverTraffic(), count: placesMax)
  }

  deinit { unsafe counts.deallocate() }

  /// Counts a datagram to the transceiver at `place`.
  @_noLocks
  func noteSent(to place: Int) {
    precondition(place >= 0 && place < placesMax)
    unsafe counts[place].sent &+= 1
  }

  /// Counts a datagram from the transceiver at `place`.
  @_noLocks
  func noteHeard(from place: Int) {
    precondition(place >= 0 && place < placesMax)
    unsafe counts[place].heard &+= 1
  }

  /// The traffic of the first `count` places. Allocates.
  func first(_ count: Int) -> [TransceiverTraffic] {
    precondition(count >= 0 && count <= placesMax)
    return unsafe Array(UnsafeBufferPointer(start: counts, count: count))
  }
}
