import Testing

@testable import Voice

@Suite struct PacerTests {
  private func push(_ pacer: inout Pacer, _ range: Range<Int>) -> Int {
    unsafe range.map { Int16($0) }.withUnsafeBufferPointer { unsafe pacer.push($0) }
  }

  /// One frame at 8 kHz; nil when there was nothing to say.
  private func pull(_ pacer: inout Pacer) -> [Int16]? {
    var frame = [Int16](repeating: 9, count: 160)
    let isSpeech = unsafe frame.withUnsafeMutableBufferPointer { unsafe pacer.pull(into: $0) }
    if !isSpeech { #expect(frame.allSatisfy { $0 == 0 }) }
    return isSpeech ? frame : nil
  }

  @Test func `a burst of any length goes out frame by frame, in order`() {
    var pacer = Pacer(rate: .hertz8000, capacityMilliseconds: 100)
    #expect(push(&pacer, 0..<333) == 333)
    #expect(push(&pacer, 333..<480) == 147)
    #expect(pacer.queuedMilliseconds == 60)
    for step in 0..<3 {
      #expect(pull(&pacer) == (step * 160..<step * 160 + 160).map { Int16($0) })
    }
    #expect(pull(&pacer) == nil)
    #expect(pacer.playedMilliseconds == 60)
    #expect(pacer.pushedSamples == 480)
  }

  @Test func `it wraps without mixing anything up, and refuses what is too much`() {
    var pacer = Pacer(rate: .hertz8000, capacityMilliseconds: 100)
    var next = 0
    var heard = 0
    for size in [700, 300, 211, 89, 500, 13, 147, 640] {
      next += push(&pacer, next..<next + size)
      if let frame = pull(&pacer) {
        #expect(frame == (heard..<heard + 160).map { Int16($0) })
        heard += 160
      }
    }
    #expect(pacer.refusedSamples == UInt64(2_600 - next))
    #expect(pacer.pushedSamples - pacer.playedSamples == UInt64(next - heard))
  }

  @Test func `a part of a frame waits once for the rest, unless the utterance is finished`() {
    var pacer = Pacer(rate: .hertz8000)
    _ = push(&pacer, 1..<101)
    #expect(pull(&pacer) == nil)
    let frame = pull(&pacer)
    #expect(frame == (1..<101).map { Int16($0) } + [Int16](repeating: 0, count: 60))
    #expect(pacer.playedSamples == 100)

    _ = push(&pacer, 0..<100)
    #expect(pull(&pacer) == nil)
    _ = push(&pacer, 100..<200)
    #expect(pull(&pacer) == (0..<160).map { Int16($0) })
    pacer.finish()
    #expect(pull(&pacer)?.prefix(40) == (160..<200).map { Int16($0) }[...])
    #expect(pacer.isEmpty == true)
  }

  @Test func `a flush drops what waits and nothing that was played`() {
    var pacer = Pacer(rate: .hertz8000)
    _ = push(&pacer, 0..<1_600)
    _ = pull(&pacer)
    #expect(pacer.flush() == 180)
    #expect(pull(&pacer) == nil)
    #expect(pacer.playedMilliseconds == 20)
    #expect(pacer.pushedSamples == pacer.playedSamples)
    _ = push(&pacer, 0..<160)
    #expect(pull(&pacer) == (0..<160).map { Int16($0) })
  }
}
