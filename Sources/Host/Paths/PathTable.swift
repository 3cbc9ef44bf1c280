import Synchronization
package import Wire

/// The ways of a trunk, for all threads of a process; `view` is what they use.
@safe package final class PathTable: @unchecked Sendable {
  // @unchecked: what is behind the pointers is atomic, and the pointers never change.
  /// Points into this table: good as long as the table lives, on any thread.
  package let view: PathView

  /// - Parameters:
  ///   - local: where the trunk sends from; any port.
  ///   - bundleBytesMax: the greatest bundle that is wanted, in bytes of UDP payload.
  ///   - pathsMax: peers that are kept; the others' ways count as unknown.
  package init(from local: TransportAddress, bundleBytesMax: Int, pathsMax: Int) {
    var capacity = 8
    while capacity < 2 * pathsMax + 128 { capacity *= 2 }  // threads that add at once included
    let slots = UnsafeMutablePointer<PathView.Slot>.allocate(capacity: capacity)
    for index in 0..<capacity { unsafe (slots + index).initialize(to: PathView.Slot()) }
    let head = UnsafeMutablePointer<PathView.Head>.allocate(capacity: 1)
    unsafe head.initialize(to: PathView.Head())
    unsafe view = PathView(
      slots: slots, head: head, slotsMask: capacity - 1, pathsMax: pathsMax, local: local,
      bundleBytesMax: bundleBytesMax)
  }

  deinit {
    unsafe view.slots.deinitialize(count: view.slotsMask + 1)
    unsafe view.slots.deallocate()
    unsafe view.head.deinitialize(count: 1)
    unsafe view.head.deallocate()
  }

  /// The places that are taken.
  var places: [Int] {
    (0...view.slotsMask).filter { unsafe view.slots[$0].state.load(ordering: .acquiring) == 2 }
  }

  /// The address at a place that is taken; its port is 0.
  func peer(at index: Int) -> TransportAddress {
    TransportAddress(
      high: unsafe view.slots[index].high.load(ordering: .relaxed),
      low: unsafe view.slots[index].low.load(ordering: .relaxed), port: 0)
  }

  /// Asks the kernel again. `mayGrow`: something on this machine has changed.
  func look(at index: Int, mayGrow: Bool) {
    let told = view.ask(peer(at: index))
    view.set(
      PathSize.afterLook(told: told, current: view.bytes(at: index), mayGrow: mayGrow), at: index)
  }

  /// The longest datagram that has come from any peer since the last question, 0 for none.
  package func takeLongestArrival() -> Int {
    places.reduce(0) { longest, index in
      unsafe max(longest, Int(view.slots[index].longest.exchange(0, ordering: .relaxed)))
    }
  }
}
