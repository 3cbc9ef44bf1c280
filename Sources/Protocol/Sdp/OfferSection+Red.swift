/// Redundancy as an audio line offers it (RFC 2198).
extension OfferSection {
  /// The payload type of redundancy whose blocks are all the Opus called `opus`; nil without one
  /// that is sound.
  ///
  /// Browsers write `a=rtpmap:63 red/48000/2` and `a=fmtp:63 111/111`; the latter may be missing.
  /// Types that would be taken for RTCP on a shared port (RFC 5761, section 4) are passed over:
  /// without redundancy a call is still a call.
  func redPayloadType(of opus: Int) -> UInt8? {
    let formats = media?.formats ?? []
    for map in maps where map.payloadType != opus && !(64...95).contains(map.payloadType) {
      guard isRed(map.encoding), formats.contains("\(map.payloadType)"),
        maps.first(where: { $0.payloadType == map.payloadType })?.encoding == map.encoding,
        isMade(map.payloadType, of: opus)
      else { continue }
      return UInt8(map.payloadType)
    }
    return nil
  }

  /// Whether `first` stands before `second` in the `m=` line, so is wanted more (RFC 8866, section
  /// 5.14).
  func prefers(_ first: UInt8, to second: Int) -> Bool {
    let formats = media?.formats ?? []
    guard let one = formats.firstIndex(of: "\(first)"),
      let other = formats.firstIndex(of: "\(second)")
    else { return false }
    return one < other
  }

  /// Blocks of another clock than Opus's cannot be Opus.
  private func isRed(_ encoding: String) -> Bool {
    let fields = encoding.split(separator: "/")
    return fields.count >= 2 && fields[0] == "red" && fields[1] == "48000"
  }

  /// `a=fmtp:63 111/111`: the newest block's type and those of one to three older ones.
  private func isMade(_ red: Int, of opus: Int) -> Bool {
    parameters.filter { $0.payloadType == red }.allSatisfy { entry in
      let types = entry.text.split(separator: "/", omittingEmptySubsequences: false)
      return (2...4).contains(types.count) && types.allSatisfy { number($0, max: 127) == opus }
    }
  }
}
