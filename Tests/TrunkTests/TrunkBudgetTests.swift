import TestSupport
import Testing
import Trunk
import Wire

@Suite("Budget: bundles cost no allocation", .serialized, .enabled(if: Cost.isMeasurable))
struct TrunkBudgetTests {
  @Test func writing() {
    let payload = [UInt8](repeating: 1, count: 180)
    var buffer = [UInt8](repeating: 0, count: 1_400)
    let frame = TrunkFrame(listener: 1, client: ipv6)
    let (header, key) = (header, key)
    var frames = 0
    let cost = unsafe payload.withUnsafeBytes { payload in
      unsafe buffer.withUnsafeMutableBytes { buffer in
        Cost.of {
          var writer = unsafe BundleWriter(into: buffer, header)
          for _ in 0..<1_000 {
            writer.restart()
            while unsafe writer.append(frame, payload) { frames += 1 }
            writer.seal(key)
          }
        }
      }
    }
    #expect(frames == 6_000)
    #expect(cost == .nothing)
  }

  @Test func reading() {
    let whole = TrunkDatagramTests.whole
    let span = unsafe whole.span.bytes
    let key = key
    var frames = 0
    let cost = Cost.of {
      for _ in 0..<1_000 {
        guard case .valid = TrunkDatagram.open(span, key) else { continue }
        var offset = TrunkHeader.bytes
        while case .frame(_, let payload) = TrunkDatagram.nextFrame(span, at: offset) {
          frames += 1
          offset = payload.end
        }
      }
    }
    #expect(frames == 3_000)
    #expect(cost == .nothing)
  }
}
