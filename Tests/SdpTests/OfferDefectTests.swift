import Sdp
import Testing

@Suite("Bad offers")
struct OfferDefectTests {
  /// One change of the sample, and the defect it must be refused for.
  struct Defect: CustomTestStringConvertible {
    var old: String
    var new: String
    var line: Int
    var cause: SdpError.Cause
    var testDescription: String { "\(cause)" }
  }

  static let defects: [Defect] = [
    Defect(old: "v=0\r\n", new: "", line: 1, cause: .noVersion),
    Defect(old: "v=0\r\n", new: "v=1\r\n", line: 1, cause: .noVersion),
    Defect(old: "s=-", new: "s", line: 3, cause: .notALine),
    Defect(old: "s=-", new: "S=-", line: 3, cause: .notALine),
    Defect(
      old: "m=audio 9 UDP/TLS/RTP/SAVPF 0 111", new: "m=audio 9", line: 5, cause: .badMediaLine),
    Defect(old: "m=audio 9", new: "m=audio 70000", line: 5, cause: .badMediaLine),
    Defect(old: "m=audio 9", new: "m=audio -1", line: 5, cause: .badMediaLine),
    Defect(old: "m=audio", new: "m=video", line: 0, cause: .noAudio),
    Defect(old: "m=audio 9", new: "m=audio 0", line: 0, cause: .noAudio),
    Defect(old: "UDP/TLS/RTP/SAVPF", new: "RTP/AVP", line: 5, cause: .badProtocol("RTP/AVP")),
    Defect(old: "opus/48000/2", new: "opus2/48000/2", line: 5, cause: .noOpus),
    Defect(old: "rtpmap:111", new: "rtpmap:112", line: 5, cause: .noOpus),
    Defect(old: "rtpmap:111", new: "rtpmap:128", line: 11, cause: .badPayloadMap),
    Defect(old: "rtpmap:111", new: "rtpmap:x", line: 11, cause: .badPayloadMap),
    Defect(old: "a=rtcp-mux\r\n", new: "", line: 5, cause: .noRtcpMux),
    Defect(old: "a=ice-ufrag:abcd\r\n", new: "", line: 0, cause: .noUfrag),
    Defect(old: "a=ice-pwd:abcdefghijklmnopqrstuv\r\n", new: "", line: 0, cause: .noPwd),
    Defect(old: "ufrag:abcd", new: "ufrag:abc", line: 6, cause: .badUfrag),
    Defect(old: "ufrag:abcd", new: "ufrag:ab:d", line: 6, cause: .badUfrag),
    Defect(old: "ufrag:abcd", new: "ufrag:abcé", line: 6, cause: .badUfrag),
    Defect(
      old: "ufrag:abcd", new: "ufrag:" + String(repeating: "a", count: 257), line: 6,
      cause: .badUfrag),
    Defect(old: "nopqrstuv", new: "nopqrstu", line: 7, cause: .badPwd),
    Defect(old: "nopqrstuv", new: "nopqrst-v", line: 7, cause: .badPwd),
    Defect(
      old: "nopqrstuv", new: String(repeating: "a", count: 257), line: 7, cause: .badPwd),
    Defect(old: "AB:AB:AB", new: "AB:AB", line: 8, cause: .badFingerprint),
    Defect(old: "AB:AB:AB", new: "AB:GB:AB", line: 8, cause: .badFingerprint),
    Defect(old: "AB:AB:AB", new: "AB:A:BAB", line: 8, cause: .badFingerprint),
    Defect(old: "sha-256", new: "sha-384", line: 8, cause: .badFingerprint),
    Defect(old: "sha-256", new: "sha-1", line: 0, cause: .noFingerprint),
    Defect(old: "setup:actpass", new: "setup:holdconn", line: 9, cause: .badSetup),
    Defect(old: "t=0 0\r\n", new: "t=0 0\r\na=ice-lite\r\n", line: 0, cause: .peerIsLite),
    Defect(
      old: "a=rtcp-mux\r\n", new: "a=rtcp-mux\r\na=mid:a b\r\n", line: 11, cause: .badMid),
    Defect(
      old: "m=audio", new: "m=video 9 X 1\r\na=mid:a\r\nm=video 9 X 1\r\na=mid:a\r\nm=audio",
      line: 7, cause: .badMid),
    candidate("192.0.2.1 0"), candidate("0.0.0.0 5000"), candidate("255.255.255.255 5000"),
    candidate("224.0.0.1 5000"), candidate("239.255.255.255 5000"), candidate(":: 5000"),
    candidate("0:0:0:0:0:0:0:0 5000"), candidate("ff02::1 5000"), candidate("FF0E::1 5000"),
    candidate("::ffff:0.0.0.0 5000"), candidate("::ffff:224.0.0.1 5000"),
  ]

  private static func candidate(_ place: String) -> Defect {
    Defect(
      old: "a=rtcp-mux\r\n", new: "a=rtcp-mux\r\na=candidate:1 1 UDP 9 \(place) typ host\r\n",
      line: 11, cause: .unusableCandidate)
  }

  @Test(arguments: [
    "1 1 udp 9 192.0.2.1 5000 typ host", "1 1 udp 9 2001:db8::1 5000 typ host",
    "1 1 udp 9 ::1 5000 typ host", "1 1 udp 9 0a.local 5000 typ host",
    "1 1 tcp 9 192.0.2.1 0 typ host tcptype active",
    "1 1 udp 9 192.0.2.1 5000 typ srflx raddr 0.0.0.0 rport 0", "1 1 udp 9 ff:1::1 5000 typ host",
    "too short",
  ])
  func usableCandidatesAreNoDefect(candidate: String) throws {
    _ = try CallOffer.parse(Sample.offer(media: "a=candidate:\(candidate)\r\n"))
  }

  @Test(arguments: [
    ("a=sctp-port:0", SdpError.Cause.badSctpPort),
    ("a=max-message-size:-1", .badMessageSize),
  ])
  func aBadValueOfDataChannelsCountsOnTheirLine(attribute: String, cause: SdpError.Cause) throws {
    #expect(throws: SdpError(cause, line: 16)) {
      _ = try CallOffer.parse(ChannelTests.offer(attributes: [attribute]))
    }
    _ = try CallOffer.parse(Sample.offer(media: "\(attribute)\r\n"))
  }

  @Test(arguments: defects) func isNamedWithItsLine(defect: Defect) {
    let error = #expect(throws: SdpError.self) {
      _ = try CallOffer.parse(Sample.changing(defect.old, to: defect.new))
    }
    #expect(error == SdpError(defect.cause, line: defect.line))
    #expect(error?.description.hasPrefix("SDP offer") == true)
  }

  @Test func boundsHold() {
    let long = Sample.text + "a=x:" + String(repeating: "y", count: CallOffer.byteCountMax)
    #expect(throws: SdpError(.tooLong)) { _ = try CallOffer.parse(long) }

    let lines = String(repeating: "m=video 9 X 1\r\n", count: CallOffer.mediaCountMax)
    #expect(throws: SdpError(.tooManyMediaLines, line: 69)) {
      _ = try CallOffer.parse(Sample.offer(before: lines))
    }
    let prints = String(
      repeating: "a=fingerprint:sha-256 \(Sample.hash)\r\n", count: CallOffer.fingerprintCountMax)
    #expect(throws: SdpError(.tooManyFingerprints, line: 19)) {
      _ = try CallOffer.parse(Sample.offer(media: prints))
    }
  }

  @Test func whatIsNotTextIsRefused() {
    #expect(throws: SdpError(.notText)) { _ = try CallOffer.parse([0x76, 0x3D, 0x30, 0xFF]) }
    #expect(throws: SdpError(.notText)) { _ = try CallOffer.parse(Sample.text + "\0") }
    #expect(throws: SdpError(.noVersion, line: 1)) { _ = try CallOffer.parse("") }
    #expect(throws: SdpError(.noVersion, line: 1)) { _ = try CallOffer.parse("\r\n\r\n") }
  }

  /// No cut of a real offer traps, and none that loses a needed line passes.
  @Test(arguments: Offers.all)
  func everyLengthIsSurvived(client: Offers.Named) {
    let whole = Array(Offers.crlf(client.text).utf8)
    var passed = 0
    for length in 0...whole.count where (try? CallOffer.parse(Array(whole[..<length]))) != nil {
      passed += 1
    }
    #expect(passed > 0)
    #expect(passed < whole.count)
  }

  /// No single changed byte traps.
  @Test func everyChangedByteIsSurvived() {
    let whole = Array(Sample.text.utf8)
    for index in whole.indices {
      for byte in [0x00, 0x0A, 0x20, 0x3A, 0x3D, 0x7F, 0x80, 0xFF] as [UInt8] {
        var changed = whole
        changed[index] = byte
        if let offer = try? CallOffer.parse(changed) {
          #expect(!Sample.answer.render(to: offer).isEmpty)
        }
      }
    }
  }
}
