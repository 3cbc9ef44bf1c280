import CProbe
import Rtp
import Testing
import Wire

@testable import Voice

@Suite("Budget: a frame of voice costs no allocation", .serialized, .enabled(if: probe_is_alone()))
struct VoiceBudgetTests {
  @Test func `there and back`() {
    var path = VoicePath(rate: .hertz24000)
    var pacer = Pacer(rate: .hertz24000)
    var packet = [UInt8](repeating: 0, count: 1_300)
    var frame = [Int16](repeating: 0, count: 480)
    var voice = 0
    let counts = unsafe packet.withUnsafeMutableBytes { packet in
      unsafe frame.withUnsafeMutableBufferPointer { frame in
        probe_begin()
        for index in 0..<UInt64(500) {
          let now = Instant(nanoseconds: 1_000_000_000 + index * 20_000_000)
          unsafe path.tone.fill(frame)
          unsafe pacer.push(UnsafeBufferPointer(frame))
          _ = unsafe pacer.pull(into: frame)
          let count = unsafe path.sender.send(UnsafeBufferPointer(frame), into: packet, at: now)
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
        return probe_end()
      }
    }
    #expect(voice > 400)
    #expect(counts.mallocs == 0)
    #expect(counts.frees == 0)
    #expect(counts.retains == 0)
    #expect(counts.releases == 0)
    #expect(counts.objects == 0)
  }
}
