import CallClient
import Session
import Testing
import Voice

/// The client says how many bits it wants (RFC 7587, section 7.1).
@Suite struct BitRateTests {
  private static func bytesPerPacket(_ settings: OpusSettings) throws -> Int {
    let call = try CallPair(change: { $0.opus = settings })
    call.run(4_000)
    #expect(call.client.figures.tone.rightWindows > 0)
    let packets = call.sent.filter {
      $0.way == .down && (128..<192).contains($0.bytes[0]) && !(192..<224).contains($0.bytes[1])
    }
    try #require(packets.count > 100)
    return packets.map(\.bytes.count).reduce(0, +) / packets.count
  }

  @Test func theSessionSendsWithTheBitsItIsTold() throws {
    var few = OpusSettings()
    few.bitsPerSecond = 8_000
    var many = OpusSettings()
    many.bitsPerSecond = 64_000
    #expect(try Self.bytesPerPacket(few) * 2 < Self.bytesPerPacket(many))
  }
}
