import Wire

/// The next deadline of each of a fixed number of slots: a binary heap with a position per slot, so
/// that setting a slot's deadline is logarithmic and asking for the earliest is free.
///
/// All storage is made at the start. One thread.
struct DeadlineHeap: ~Copyable {
  private var heap: [Int32] = []
  private var position: [Int32]
  private var deadline: [UInt64]

  init(capacity: Int) {
    heap.reserveCapacity(capacity)
    position = Array(repeating: -1, count: capacity)
    deadline = Array(repeating: .max, count: capacity)
  }

  /// The earliest deadline; `.never` when no slot has one.
  var earliest: Instant {
    heap.isEmpty ? .never : Instant(nanoseconds: deadline[Int(heap[0])])
  }

  /// The slot whose deadline is the earliest and has come by `now`; nil when there is none. The
  /// slot keeps its deadline until `set` moves it.
  func due(at now: Instant) -> Int? {
    guard !heap.isEmpty, deadline[Int(heap[0])] <= now.nanoseconds else { return nil }
    return Int(heap[0])
  }

  /// Gives `slot` a deadline; `.never` takes it out.
  mutating func set(_ slot: Int, to instant: Instant) {
    let before = deadline[slot]
    deadline[slot] = instant.nanoseconds
    if instant == .never {
      remove(slot)
    } else if position[slot] < 0 {
      position[slot] = Int32(heap.count)
      heap.append(Int32(slot))
      siftUp(heap.count - 1)
    } else if instant.nanoseconds < before {
      siftUp(Int(position[slot]))
    } else {
      siftDown(Int(position[slot]))
    }
  }

  private mutating func remove(_ slot: Int) {
    let at = Int(position[slot])
    guard at >= 0 else { return }
    let last = heap.count - 1
    exchange(at, last)
    heap.removeLast()
    position[slot] = -1
    if at < last {
      siftUp(at)
      siftDown(at)
    }
  }

  private func precedes(_ a: Int, _ b: Int) -> Bool {
    deadline[Int(heap[a])] < deadline[Int(heap[b])]
  }

  private mutating func exchange(_ a: Int, _ b: Int) {
    heap.swapAt(a, b)
    position[Int(heap[a])] = Int32(a)
    position[Int(heap[b])] = Int32(b)
  }

  private mutating func siftUp(_ start: Int) {
    var child = start
    while child > 0, precedes(child, (child - 1) / 2) {
      exchange(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  private mutating func siftDown(_ start: Int) {
    var parent = start
    while true {
      let left = 2 * parent + 1
      let right = left + 1
      var least = parent
      if left < heap.count, precedes(left, least) { least = left }
      if right < heap.count, precedes(right, least) { least = right }
      if least == parent { return }
      exchange(parent, least)
      parent = least
    }
  }
}
