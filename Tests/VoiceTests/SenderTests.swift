import Rtp
import Testing
import Wire

@testable import Voice

@Suite struct SenderTests {
  /// What a sender makes of frames: true is a tone, false is nothing to say.
  private func packets(
    _ frames: [Bool], settings: OpusSettings = OpusSettings()
  ) -> [(frame: Int, header: RtpHeader)] {
    var path = VoicePath(settings: settings)
    var sent: [(Int, RtpHeader)] = []
    for (index, speaks) in frames.enumerated() {
      guard let packet = path.makePacket(speaks: speaks) else { continue }
      guard case .packet(let header) = unsafe RtpHeader.parse(packet.span.bytes) else { continue }
      sent.append((index, header))
    }
    return sent
  }

  private static let pauses =
    [Bool](repeating: false, count: 60) + [Bool](repeating: true, count: 30)
    + [Bool](repeating: false, count: 5) + [Bool](repeating: true, count: 30)
    + [Bool](repeating: false, count: 100) + [Bool](repeating: true, count: 10)

  @Test func `the marker is on the first packet of each talk spurt only`() {
    let marked = packets(Self.pauses).filter(\.header.marker).map(\.frame)
    #expect(marked == [60, 225], "five frames of silence are a part of the spurt")
  }

  @Test func `numbers have no gaps and timestamps count every frame`() throws {
    let sent = packets(Self.pauses)
    let first = try #require(sent.first)
    for (index, packet) in sent.enumerated() {
      #expect(packet.header.sequenceNumber == first.header.sequenceNumber &+ UInt16(index))
      #expect(packet.header.timestamp == 5_000 + 960 * UInt32(packet.frame))
      #expect(packet.header.payloadType == 111)
      #expect(packet.header.ssrc == 7)
    }
  }

  @Test func `deep silence costs one small packet each 400 ms`() {
    let sent = packets(Self.pauses).filter { 125..<225 ~= $0.frame }
    #expect(sent.map(\.frame) == Array(125..<141) + [160, 180, 200, 220])
    #expect(sent.dropFirst(15).allSatisfy { $0.header.payload.count == 1 })
  }

  @Test func `without discontinuous transmission every frame is sent`() {
    var settings = OpusSettings()
    settings.usesDiscontinuousTransmission = false
    let sent = packets(Self.pauses, settings: settings)
    #expect(sent.count == Self.pauses.count)
    #expect(sent.filter(\.header.marker).map(\.frame) == [60])
  }

  @Test func `a frame of zeros is silence`() {
    var path = VoicePath(level: -120)
    var sent = 0
    for _ in 0..<110 where path.makePacket(speaks: true) != nil { sent += 1 }
    #expect(sent == 20)
  }

  @Test func `reports count what was sent`() throws {
    var path = VoicePath()
    for _ in 0..<50 { _ = path.makePacket(speaks: true) }
    let now = Instant(nanoseconds: path.nextSend)
    let report = try #require(path.sender.statistics.report(at: now))
    #expect(report.packetCount == 50)
    #expect(report.octetCount > 50 * 40)
    #expect(report.rtpTime == 5_000 + 49 * 960)
  }

  @Test func `a narrow room for the packet is kept to`() {
    var path = VoicePath()
    var packet = [UInt8](repeating: 0xEE, count: 52)
    var pcm = [Int16](repeating: 0, count: 960)
    var random = SeededRandom(seed: 1)
    for index in pcm.indices { pcm[index] = Int16(truncatingIfNeeded: random.next()) / 2 }
    var budget = EncodingBudget.unlimited
    let count = unsafe packet.withUnsafeMutableBytes { bytes in
      unsafe pcm.withUnsafeBufferPointer { frame in
        unsafe path.sender.send(frame, into: bytes, at: Instant(nanoseconds: 0), budget: &budget)
      }
    }
    #expect(13...52 ~= count)
  }
}
