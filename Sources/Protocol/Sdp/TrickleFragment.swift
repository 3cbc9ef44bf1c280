/// A piece of SDP with further candidates of a client (`application/trickle-ice-sdpfrag`, RFC 8840,
/// section 9). The candidates themselves are not kept: an ICE-lite agent has no use for them.
package struct TrickleFragment: Equatable, Sendable {
  /// Longer than any client's candidates, bytes.
  package static let byteCountMax = 16_384

  /// Whose candidates they are; nil when the fragment does not say it.
  package private(set) var iceUfrag: String?
  /// 22 to 256 ice-chars, the first where there are several; `init` throws without one. A secret:
  /// never in a log.
  package private(set) var icePwd: String?
  /// How many candidates it brings.
  package private(set) var candidateCount = 0
  /// Whether these were the last ones.
  package private(set) var isEnd = false

  /// Throws what is wrong with the text. Never traps.
  package init(_ bytes: [UInt8]) throws(SdpError) {
    guard bytes.count <= Self.byteCountMax else { throw SdpError(.tooLong) }
    guard let text = String(validating: bytes, as: UTF8.self), !text.utf8.contains(0) else {
      throw SdpError(.notText)
    }
    for line in try SdpLine.split(text) where line.letter == UInt8(ascii: "a") {
      try take(line)
    }
    guard iceUfrag != nil else { throw SdpError(.noUfrag) }
    guard icePwd != nil else { throw SdpError(.noPwd) }
  }

  private mutating func take(_ line: SdpLine) throws(SdpError) {
    let (name, value) = line.attribute
    switch name {
    case "ice-ufrag":
      guard isIceText(value, 4...256) else { throw SdpError(.badUfrag, line: line.number) }
      // Candidates for several lines repeat the pair; all of a call are bundled into one.
      iceUfrag = iceUfrag ?? String(value)
    case "ice-pwd":
      guard isIceText(value, 22...256) else { throw SdpError(.badPwd, line: line.number) }
      icePwd = icePwd ?? String(value)
    case "candidate":
      guard words(value).count >= 6 else { throw SdpError(.badCandidate, line: line.number) }
      try ClientCandidate.check(value, line.number)
      candidateCount += 1
    case "end-of-candidates": isEnd = true
    default: break
    }
  }
}
