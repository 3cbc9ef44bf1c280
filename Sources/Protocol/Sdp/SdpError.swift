/// Why an offer was refused, and the line that caused it (RFC 8866).
///
/// The description is written for the person who made the offer: it goes into the HTTP error.
package struct SdpError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong.
  package enum Cause: Equatable, Sendable {
    /// The description is longer than `CallOffer.byteCountMax`.
    case tooLong
    /// Not UTF-8, or it contains a NUL.
    case notText
    /// The first line is not `v=0`.
    case noVersion
    /// A line that is not `<letter>=<value>`.
    case notALine
    /// More media lines than `CallOffer.mediaCountMax`.
    case tooManyMediaLines
    /// An `m=` line without kind, port, protocol and at least one format.
    case badMediaLine
    /// No `m=audio` that is offered (its port is not 0, or it is bundle-only).
    case noAudio
    /// The audio line's protocol is not RTP over DTLS; its name is given.
    case badProtocol(String)
    /// The audio line has no Opus.
    case noOpus
    /// An `a=rtpmap` that is not `<0...127> <name>/<rate>[/<channels>]`.
    case badPayloadMap
    /// `a=rtcp-mux` is missing: one port carries RTP and RTCP here (RFC 8834, section 4.5).
    case noRtcpMux
    /// No `a=ice-ufrag` applies to the audio line.
    case noUfrag
    /// No `a=ice-pwd` applies to the audio line.
    case noPwd
    /// Not 4 to 256 characters of `A-Z a-z 0-9 + /` (RFC 8839, section 5.4).
    case badUfrag
    /// Not 22 to 256 characters of `A-Z a-z 0-9 + /` (RFC 8839, section 5.4).
    case badPwd
    /// An `a=fingerprint` of a known hash with the wrong number of bytes, or not in hexadecimal.
    case badFingerprint
    /// More fingerprints than `CallOffer.fingerprintCountMax`.
    case tooManyFingerprints
    /// No `a=fingerprint` with sha-256, sha-384 or sha-512 applies to the audio line.
    case noFingerprint
    /// `a=setup` is none of active, passive, actpass.
    case badSetup
    /// Both ends would be ICE-lite, so nobody would check connectivity (RFC 8445, section 6.1.1).
    case peerIsLite
    /// Two media lines with the same `a=mid`, or a mid that is not a token.
    case badMid
    /// An `a=sctp-port` that is no port (RFC 8841, section 5.1).
    case badSctpPort
    /// An `a=max-message-size` that is no number (RFC 8841, section 6.1).
    case badMessageSize
    /// An `a=candidate` with less than foundation, component, transport, priority, address, port.
    case badCandidate
    /// An `a=candidate` by UDP on port 0, or on an unspecified, multicast or broadcast address.
    case unusableCandidate
  }

  /// The line's number, 1 the first; 0 when the offer as a whole is meant.
  package var line: Int
  /// One only, though a description may have several faults: reading ends with it.
  package var cause: Cause

  /// Without a line for what no line shows: something is missing, or the whole is too long.
  package init(_ cause: Cause, line: Int = 0) {
    self.line = line
    self.cause = cause
  }

  /// One sentence that names the line and the cause.
  package var description: String { description(of: "offer") }

  /// Likewise for another kind of description than an offer.
  package func description(of kind: String) -> String {
    line == 0 ? "SDP \(kind): \(sentence)" : "SDP \(kind), line \(line): \(sentence)"
  }

  private var sentence: String {
    switch cause {
    case .tooLong: "longer than \(CallOffer.byteCountMax) bytes"
    case .notText: "not UTF-8 text"
    case .noVersion: "does not begin with v=0"
    case .notALine: "expected <letter>=<value>"
    case .tooManyMediaLines: "more than \(CallOffer.mediaCountMax) media lines"
    case .badMediaLine: "expected m=<kind> <port> <protocol> <formats>"
    case .noAudio: "offers no audio (an m=audio line whose port is not 0)"
    case .badProtocol(let name): "audio must use UDP/TLS/RTP/SAVPF, not \(name)"
    case .noOpus: "the audio line offers no Opus (a=rtpmap:... opus/48000/2)"
    case .badPayloadMap: "expected a=rtpmap:<0...127> <name>/<rate>"
    case .noRtcpMux: "the audio line lacks a=rtcp-mux"
    case .noUfrag: "no a=ice-ufrag for the audio line"
    case .noPwd: "no a=ice-pwd for the audio line"
    case .badUfrag: "ice-ufrag must be 4 to 256 characters of A-Z a-z 0-9 + /"
    case .badPwd: "ice-pwd must be 22 to 256 characters of A-Z a-z 0-9 + /"
    case .badFingerprint: "expected a=fingerprint:<hash> <hexadecimal bytes with colons>"
    case .tooManyFingerprints: "more than \(CallOffer.fingerprintCountMax) fingerprints"
    case .noFingerprint: "no a=fingerprint with sha-256, sha-384 or sha-512 for the audio line"
    case .badSetup: "a=setup must be actpass, active or passive"
    case .peerIsLite: "both ends are ICE-lite; the offerer must be a full ICE agent"
    case .badMid: "a=mid must be a token that no other media line has"
    case .badSctpPort: "a=sctp-port must be 1 to 65535"
    case .badMessageSize: "a=max-message-size must be a number of bytes"
    case .badCandidate: "a=candidate needs six words or more"
    case .unusableCandidate:
      "a=candidate names port 0, or an address that no host has (0.0.0.0, ::, multicast, broadcast)"
    }
  }
}
