import Sdp
import Testing

/// How much a client wants to receive: `b=`, `maxaveragebitrate`, `a=maxptime`.
@Suite("Limits of the receiver")
struct LimitTests {
  private func opus(session: String = "", media: String...) throws -> OfferedOpus {
    let lines = media.map { $0 + "\r\n" }.joined()
    let session = session.isEmpty ? "" : session + "\r\n"
    return try CallOffer.parse(Sample.offer(session: session, media: lines)).opus
  }

  @Test func withoutAWordThereIsNone() throws {
    let opus = try opus()
    #expect(opus.averageBitrateMax == nil)
    #expect(opus.wireBitsPerSecondMax == nil)
    #expect(opus.packetMillisecondsMax == nil)
  }

  @Test func theWholePathIsInKilobits() throws {
    #expect(try opus(media: "b=AS:40").wireBitsPerSecondMax == 40_000)
    #expect(try opus(session: "b=AS:128").wireBitsPerSecondMax == 128_000)
    #expect(try opus(session: "b=AS:30", media: "b=AS:40").wireBitsPerSecondMax == 40_000)
    #expect(try opus(media: "b=AS:50", "b=AS:40", "b=AS:60").wireBitsPerSecondMax == 40_000)
    #expect(try opus(media: "b=AS:0").wireBitsPerSecondMax == 0)
  }

  @Test func theCodecsIsInBits() throws {
    #expect(try opus(media: "b=TIAS:24000").averageBitrateMax == 24_000)
    #expect(try opus(session: "b=TIAS:24000").averageBitrateMax == 24_000)
    #expect(
      try opus(session: "b=TIAS:8000", media: "b=TIAS:24000").averageBitrateMax == 24_000)
  }

  @Test func theLowerOfTwoWordsOnTheCodecCounts() throws {
    let few = "a=fmtp:111 maxaveragebitrate=20000"
    #expect(try opus(media: few, "b=TIAS:24000").averageBitrateMax == 20_000)
    #expect(try opus(media: "b=TIAS:16000", few).averageBitrateMax == 16_000)
  }

  @Test func thePacketsLength() throws {
    #expect(try opus(media: "a=maxptime:40").packetMillisecondsMax == 40)
    #expect(try opus(session: "a=maxptime:40").packetMillisecondsMax == 40)
    #expect(try opus(session: "a=maxptime:40", media: "a=maxptime:20").packetMillisecondsMax == 20)
  }

  /// What is no number, or none that means a limit, is none; it refuses nobody.
  @Test(arguments: [
    "b=AS:", "b=AS", "b=AS:x", "b=AS:-1", "b=AS:1e3", "b=AS:99999999", "b=as:40", "b=X-YZ:128",
    "b=AS:99999999999999999999", "b=CT:1", "b=RS:0", "b=", "b=TIAS:", "b=TIAS:4294967296",
    "b=TIAS:99999999999999999999", "b=TIAS:600000", "a=maxptime:", "a=maxptime:0",
    "a=maxptime:-20", "a=maxptime:20.5", "a=maxptime:99999999999", "a=ptime:40",
  ])
  func whatIsNoLimit(line: String) throws {
    let opus = try opus(media: line)
    #expect(opus.averageBitrateMax == nil)
    #expect(opus.wireBitsPerSecondMax == nil)
    #expect(opus.packetMillisecondsMax == nil)
  }

  /// A limit on another line is none for sound.
  @Test func theLimitOfAnotherLine() throws {
    let video = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nb=AS:1\r\nb=TIAS:1\r\na=maxptime:1\r\n"
    let opus = try CallOffer.parse(Sample.offer(before: video)).opus
    #expect(opus.wireBitsPerSecondMax == nil)
    #expect(opus.averageBitrateMax == nil)
    #expect(opus.packetMillisecondsMax == nil)
  }

  @Test func theLongestPacketThatWeTake() throws {
    let answer = Sample.answer.render(to: try CallOffer.parse(Sample.text))
    #expect(answer.contains("a=ptime:20\r\na=maxptime:60\r\n"))
  }
}
