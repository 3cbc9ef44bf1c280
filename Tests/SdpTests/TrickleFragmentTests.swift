import Sdp
import Testing

@Suite("SDP fragments of trickle ICE")
struct TrickleFragmentTests {
  static let text = """
    a=group:BUNDLE 0\r
    a=ice-ufrag:EsAw\r
    a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r
    m=audio 9 RTP/AVP 0\r
    a=mid:0\r
    a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw\r
    a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active\r
    a=end-of-candidates\r

    """

  @Test func aBrowsersCandidatesAreRead() throws {
    let fragment = try TrickleFragment(Array(Self.text.utf8))
    #expect(fragment.iceUfrag == "EsAw")
    #expect(fragment.icePwd == "P2uYro0UCOQ4zxjKXaWCBui1")
    #expect(fragment.candidateCount == 2)
    #expect(fragment.isEnd)
  }

  @Test(arguments: [
    ("a=ice-ufrag:EsAw\r\n", "", SdpError(.noUfrag)),
    ("a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n", "", SdpError(.noPwd)),
    ("ufrag:EsAw", "ufrag:E-w", SdpError(.badUfrag, line: 2)),
    ("P2uYro", "P2 Yro", SdpError(.badPwd, line: 3)),
    ("a=mid:0", "nonsense", SdpError(.notALine, line: 5)),
    (
      "1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw", "1 udp",
      SdpError(.badCandidate, line: 6)
    ),
    ("a=mid:0", "a=mid:\0", SdpError(.notText)),
  ])
  func mistakesAreNamed(part: String, other: String, error: SdpError) {
    let sides = Self.text.split(separator: part, maxSplits: 1)
    let text = sides.count == 2 ? sides[0] + other + sides[1] : ""
    #expect(throws: error) { _ = try TrickleFragment(Array(text.utf8)) }
  }

  @Test func everyLengthIsReadOrRefused() {
    let bytes = Array(Self.text.utf8)
    for length in 0...bytes.count { _ = try? TrickleFragment(Array(bytes.prefix(length))) }
    let huge = [UInt8](repeating: UInt8(ascii: "a"), count: TrickleFragment.byteCountMax + 1)
    #expect(throws: SdpError(.tooLong)) { _ = try TrickleFragment(huge) }
  }
}
