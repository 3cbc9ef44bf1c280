import Testing
import Wire

@testable import TransceiverCore

@Suite("Deadline heap")
struct DeadlineHeapTests {
  @Test("the earliest deadline is always on top, whatever is set, moved and taken out")
  func agreesWithASearch() {
    let slots = 37
    var heap = DeadlineHeap(capacity: slots)
    var model = [UInt64](repeating: .max, count: slots)
    var random = SeededRandom(seed: 7)
    for _ in 0..<20_000 {
      let slot = Int(random.next() % UInt64(slots))
      let time = random.next() % 4 == 0 ? UInt64.max : random.next() % 1_000
      model[slot] = time
      heap.set(slot, to: Instant(nanoseconds: time))
      #expect(heap.earliest.nanoseconds == model.min())
    }
  }

  @Test("only what is due is given out, and it stays due until it is moved")
  func due() {
    var heap = DeadlineHeap(capacity: 2)
    heap.set(0, to: Instant(nanoseconds: 20))
    heap.set(1, to: Instant(nanoseconds: 10))
    #expect(heap.due(at: Instant(nanoseconds: 9)) == nil)
    #expect(heap.due(at: Instant(nanoseconds: 10)) == 1)
    #expect(heap.due(at: Instant(nanoseconds: 30)) == 1)
    heap.set(1, to: .never)
    #expect(heap.due(at: Instant(nanoseconds: 30)) == 0)
    heap.set(0, to: .never)
    #expect(heap.due(at: Instant(nanoseconds: .max - 1)) == nil)
    #expect(heap.earliest == .never)
  }
}

@Suite("Path owners")
struct PathOwnersTests {
  @Test("the newest claim is asked first, the one before it second")
  func order() {
    var owners = PathOwners()
    owners.claim(4)
    owners.claim(9)
    #expect(owners.first == 9)
    #expect(owners.second == 4)
    owners.claim(4)
    #expect(owners.first == 4)
    #expect(owners.second == 9)
  }

  @Test("who leaves makes room for the other")
  func release() {
    var owners = PathOwners()
    owners.claim(1)
    owners.claim(2)
    owners.release(2)
    #expect(owners.first == 1)
    #expect(owners.second == nil)
    owners.release(7)
    #expect(owners.first == 1)
    owners.release(1)
    #expect(owners.first == nil)
  }
}
