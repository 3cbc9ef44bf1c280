/// The answer to a `CallOffer`: ICE-lite, host candidates, Opus, and data channels beside it when
/// they are offered; everything else is rejected.
///
/// Without randomness or clock: what must be unguessable is given by the caller.
package struct CallAnswer: Equatable, Sendable {
  /// A host candidate: where a relay listens for clients.
  package struct Candidate: Equatable, Sendable {
    /// The IP address as text, without brackets.
    package var address: String
    /// UDP. The first candidate's stands in `m=` as well, where 0 would reject the line.
    package var port: UInt16

    /// Checks nothing. An `address` with a colon in it is taken for IPv6.
    package init(address: String, port: UInt16) {
      self.address = address
      self.port = port
    }

    var isIPv6: Bool { address.utf8.contains(UInt8(ascii: ":")) }
  }

  /// Our ICE user name fragment: the routing token.
  package var iceUfrag: String
  /// Our ICE password. A secret: it goes to the client and nowhere else.
  package var icePwd: String
  /// Our certificate.
  package var fingerprint: Fingerprint
  /// The relays' public addresses, which clients try all at once; must not be empty. The first is
  /// named in `c=` as well.
  package var candidates: [Candidate]
  /// The SSRC we send with.
  package var ssrc: UInt32
  /// The canonical name and the stream of what we send: 16 characters, fresh for each call
  /// (RFC 7022, section 4.1).
  package var streamName: String
  /// The number of the `o=` line; unguessable by habit, below 2^63 (RFC 9429, section 5.2.1).
  package var sessionNumber: UInt64
  /// Milliseconds of sound per packet, `a=ptime`.
  package var packetMilliseconds = 20
  /// The most that may be in one, `a=maxptime`: what we send ourselves at most.
  package static let packetMillisecondsMax = 60
  /// The SCTP port of this end, `a=sctp-port`.
  package static let channelPort: UInt16 = 5_000
  /// The longest message that this end takes on a data channel, bytes, `a=max-message-size`.
  package static let channelMessageBytesMax = 262_144

  /// Traps without candidates. Whatever else is given goes into the answer unchecked and unescaped:
  /// no text may hold a line end.
  package init(
    iceUfrag: String, icePwd: String, fingerprint: Fingerprint, candidates: [Candidate],
    ssrc: UInt32, streamName: String, sessionNumber: UInt64
  ) {
    precondition(!candidates.isEmpty, "an ICE-lite answer needs a candidate")
    self.iceUfrag = iceUfrag
    self.icePwd = icePwd
    self.fingerprint = fingerprint
    self.candidates = candidates
    self.ssrc = ssrc
    self.streamName = streamName
    self.sessionNumber = sessionNumber
  }

  /// The answer's text; every line, the last one too, ends with CRLF (Apple's parser insists).
  package func render(to offer: CallOffer) -> String {
    var lines = sessionLines(offer)
    for (index, media) in offer.media.enumerated() {
      if let audio = offer.audio.first(where: { $0.mediaIndex == index }) {
        lines += audioLines(audio, offer)
      } else if index == offer.channels?.mediaIndex {
        lines += channelLines(media, offer)
      } else {
        lines += rejectedLines(media)
      }
    }
    return lines.map { $0 + "\r\n" }.joined()
  }

  private func sessionLines(_ offer: CallOffer) -> [String] {
    var lines = [
      "v=0", "o=- \(sessionNumber & 0x7FFF_FFFF_FFFF_FFFF) 1 IN IP4 127.0.0.1", "s=-", "t=0 0",
      // What RFC 8445, section 10, asks of every agent; and candidates may follow (RFC 8838).
      "a=ice-lite", "a=ice-options:ice2 trickle",
    ]
    let group = offer.acceptedGroup
    if !group.isEmpty { lines.append("a=group:BUNDLE \(group.joined(separator: " "))") }
    if offer.answerDirection.sends { lines.append("a=msid-semantic: WMS \(streamName)") }
    return lines
  }

  private func audioLines(_ audio: OfferedAudio, _ offer: CallOffer) -> [String] {
    let media = offer.media[audio.mediaIndex]
    let payload = audio.opus.payloadType
    var lines = acceptedLines(media, audio.answeredFormats, offer)
    let direction = offer.answerDirection(of: audio)
    lines += [
      "a=\(direction.rawValue)", "a=rtcp-mux",
      "a=rtpmap:\(payload) opus/48000/2",
      "a=fmtp:\(payload) minptime=10;useinbandfec=1" + estimateFloor(audio, direction),
    ]
    if let red = audio.redPayloadType {
      lines += ["a=rtpmap:\(red) red/48000/2", "a=fmtp:\(red) \(payload)/\(payload)"]
    }
    lines += ["a=ptime:\(packetMilliseconds)", "a=maxptime:\(Self.packetMillisecondsMax)"]
    if audio.usesNack { lines.append("a=rtcp-fb:\(payload) nack") }
    if direction.sends, let id = audio.transportSequenceExtension {
      lines.append("a=rtcp-fb:\(payload) transport-cc")
      lines.append(
        "a=extmap:\(id)\(Self.transportSequenceSide) \(OfferedAudio.transportSequenceName)")
    }
    if direction.receives, let id = offer.levelExtension {
      lines.append("a=extmap:\(id) \(OfferedAudio.levelExtensionName)")
    }
    if direction.sends {
      lines.append("a=msid:\(streamName) \(Self.trackName)")
      lines.append("a=ssrc:\(ssrc) cname:\(streamName)")
    }
    return lines + candidateLines(media, offer)
  }

  /// A format parameter for libwebrtc. It numbers its packets, too, and hears nothing of them from
  /// us; so its estimate of the path falls to 5 kbit/s, measured with Chromium 156. By that go how
  /// often it tells of our packets, and how quickly it sends its own again; a row of eight took two
  /// seconds. How much it sends of itself does not go by it. More makes its feedback too much for
  /// a narrow path. Others leave alone what they do not know (RFC 7587, section 7).
  private func estimateFloor(_ audio: OfferedAudio, _ direction: Direction) -> String {
    guard direction.sends, audio.transportSequenceExtension != nil else { return "" }
    return ";x-google-min-bitrate=\(Self.estimateKilobitsPerSecondMin)"
  }

  /// The candidates, on the line that stands for its group (RFC 8843, section 10.3).
  private func candidateLines(_ media: OfferedMedia, _ offer: CallOffer) -> [String] {
    guard offer.bundle.isEmpty || offer.acceptedGroup.first == media.mid else { return [] }
    let lines = candidates.enumerated().map { $0.element.line(index: $0.offset) }
    return lines + ["a=end-of-candidates"]
  }

  /// Where to send to, and what it is secured with: on each accepted line, because there are
  /// clients that look for it there although one for all would do.
  private func acceptedLines(
    _ media: OfferedMedia, _ formats: [String], _ offer: CallOffer
  ) -> [String] {
    let first = candidates[0]
    var lines = [
      "m=\(media.kind) \(first.port) \(media.transport) \(formats.joined(separator: " "))",
      "c=IN \(first.isIPv6 ? "IP6" : "IP4") \(first.address)",
    ]
    if let mid = media.mid { lines.append("a=mid:\(mid)") }
    return lines + [
      "a=ice-ufrag:\(iceUfrag)", "a=ice-pwd:\(icePwd)", "a=fingerprint:\(fingerprint.text)",
      "a=setup:\(offer.setup.answer.rawValue)",
    ]
  }

  private func channelLines(_ media: OfferedMedia, _ offer: CallOffer) -> [String] {
    acceptedLines(media, media.formats, offer) + [
      "a=sctp-port:\(Self.channelPort)", "a=max-message-size:\(Self.channelMessageBytesMax)",
    ] + candidateLines(media, offer)
  }

  private func rejectedLines(_ media: OfferedMedia) -> [String] {
    var lines = [
      "m=\(media.kind) 0 \(media.transport) \(media.formats.joined(separator: " "))",
      "c=IN IP4 0.0.0.0",
    ]
    if let mid = media.mid { lines.append("a=mid:\(mid)") }
    lines.append("a=inactive")
    return lines
  }

  private static let trackName = "voice"

  /// We number what we send and take no such numbers: there is no feedback from us (RFC 8285,
  /// section 7).
  private static let transportSequenceSide = "/sendonly"
  private static let estimateKilobitsPerSecondMin = 60
}

extension OfferedAudio {
  /// The payload types that are taken. The first is what the client will send (RFC 3264, section
  /// 6.1), so redundancy, which costs it half as much again, comes first only where it wants that.
  fileprivate var answeredFormats: [String] {
    guard let red = redPayloadType else { return ["\(opus.payloadType)"] }
    return prefersRed
      ? ["\(red)", "\(opus.payloadType)"] : ["\(opus.payloadType)", "\(red)"]
  }
}

extension CallAnswer.Candidate {
  /// `a=candidate` of a host candidate (RFC 8839, section 5.1).
  fileprivate func line(index: Int) -> String {
    "a=candidate:\(index + 1) 1 udp \(Self.priority) \(address) \(port) typ host"
  }

  /// The priority of every UDP candidate, the highest that a host candidate has; what goes by TCP
  /// shall have a lower local preference than 65,535.
  ///
  /// RFC 8445, section 5.1.2, wants priorities that differ. But only a client can know which relay
  /// is near, and where they differ most clients end on the highest, however far away: with a relay
  /// 120 ms away first and one 10 ms away second, and a difference of 256 or of 1, Chromium 156,
  /// Firefox 153, Pion 3.1.56 and libnice 0.1.21 (GStreamer 1.22) all took the far one; aioice
  /// 0.13 the first that answered. With equal ones Chromium, Firefox and aioice take the first that
  /// answers, whatever the order, and none of the five minds. Pion takes one by its own order where
  /// both answer within its first 200 ms, and libnice, behind a NAT, the last that answers:
  /// neither lets a race decide, whatever the priorities.
  private static let priority = 126 << 24 | 65_535 << 8 | 255
}
