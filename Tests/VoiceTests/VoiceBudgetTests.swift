import CProbe
import Rtp
import Testing
import Wire

@testable import Voice

@Suite("Budget: a frame of voice costs no allocation", .serialized, .enabled(if: probe_is_alone()))
struct VoiceBudgetTests {
  @Test func `there and back`() {
    var call = OneCall()
    // The first time round the runtime makes the metadata of generic types, which it keeps.
    call.run(frames: 0..<100)
    probe_begin()
    call.run(frames: 100..<300)
    let counts = probe_end()
    #expect(call.voice > 250)
    #expect(counts.mallocs == 0)
    #expect(counts.frees == 0)
    #expect(counts.retains == 0)
    #expect(counts.releases == 0)
    #expect(counts.objects == 0)
  }
}

/// A tone through pacer, sender, receiver and meter, in memory that is taken before.
@safe private struct OneCall: ~Copyable {
  var path = VoicePath(rate: .hertz24000)
  var pacer = Pacer(rate: .hertz24000)
  var voice = 0
  let packet = UnsafeMutableRawBufferPointer.allocate(byteCount: 1_300, alignment: 16)
  let frame = UnsafeMutableBufferPointer<Int16>.allocate(capacity: 480)

  deinit {
    unsafe packet.deallocate()
    unsafe frame.deallocate()
  }

  mutating func run(frames: Range<UInt64>) {
    var index = frames.lowerBound
    while index < frames.upperBound {
      step(index)
      index += 1
    }
  }

  private mutating func step(_ index: UInt64) {
    let now = Instant(nanoseconds: 1_000_000_000 + index * 20_000_000)
    unsafe path.tone.fill(frame)
    unsafe pacer.push(UnsafeBufferPointer(frame))
    _ = unsafe pacer.pull(into: frame)
    var budget = EncodingBudget.unlimited
    let count = unsafe path.sender.send(
      UnsafeBufferPointer(frame), into: packet, at: now, budget: &budget)
    // Each eleventh is lost.
    if count > 0, index % 11 != 10 {
      let bytes = unsafe RawSpan(_unsafeStart: packet.baseAddress!, byteCount: count)
      if case .packet(let header) = RtpHeader.parse(bytes) {
        _ = path.receiver.handle(bytes, header: header, at: now)
      }
    }
    if unsafe path.receiver.pull(into: frame, at: now) == .voice { voice += 1 }
    _ = unsafe path.meter.hear(UnsafeBufferPointer(frame))
    if index % 50 == 49 { _ = path.receiver.reportBlock(at: now) }
  }
}
