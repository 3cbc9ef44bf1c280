import Rtp
import Testing
import Wire

@Suite struct PacketHistoryTests {
  private func packet(_ number: UInt16, count: Int = 90) -> [UInt8] {
    [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: count)
  }

  private func store(
    _ number: UInt16, in history: inout PacketHistory, at now: Instant, count: Int = 90
  ) {
    let bytes = packet(number, count: count)
    unsafe history.store(bytes.span.bytes, sequenceNumber: number, at: now)
  }

  private func resend(
    _ number: UInt16, of history: inout PacketHistory, at now: Instant
  ) -> [UInt8]? {
    unsafe history.resend(number, at: now).map { unsafe Array($0) }
  }

  @Test func `the last packets come back as they were, over the wrap`() {
    var history = PacketHistory(slotByteCount: 320)
    let now = Instant(nanoseconds: 0)
    for step in 0..<100 { store(65_500 &+ UInt16(step), in: &history, at: now) }
    let later = now.advanced(byMilliseconds: 50)
    for step in 0..<100 {
      let number = 65_500 &+ UInt16(step)
      let answer = resend(number, of: &history, at: later)
      #expect(answer == (step < 68 ? nil : packet(number)))
    }
  }

  @Test func `a packet is sent again thrice at most, and not while a copy is on its way`() {
    var history = PacketHistory(slotByteCount: 320)
    var now = Instant(nanoseconds: 0)
    store(9, in: &history, at: now)
    #expect(resend(9, of: &history, at: now) == nil)
    for _ in 0..<3 {
      now = now.advanced(byMilliseconds: 20)
      #expect(resend(9, of: &history, at: now) == packet(9))
      #expect(resend(9, of: &history, at: now) == nil)
    }
    #expect(resend(9, of: &history, at: now.advanced(byMilliseconds: 500)) == nil)
  }

  @Test func `the longest packet is kept, and a place holds one packet only`() {
    var history = PacketHistory(capacity: 4, slotByteCount: 100)
    let now = Instant(nanoseconds: 0)
    let later = now.advanced(byMilliseconds: 50)
    store(1, in: &history, at: now, count: 100)
    let isFirst = history.isFirstRequest(1)
    #expect(isFirst)
    #expect(resend(1, of: &history, at: later)?.count == 100)
    let isSecond = !history.isFirstRequest(1)
    #expect(isSecond)
    store(5, in: &history, at: now, count: 99)
    #expect(resend(5, of: &history, at: later)?.count == 99)
    #expect(resend(1, of: &history, at: later) == nil)
    #expect(resend(2, of: &history, at: later) == nil, "never stored")
    let isKnown = history.isFirstRequest(2)
    #expect(!isKnown)
  }
}
