import Testing

extension Offers {
  /// Headless Chromium 156: video, audio, video and a data channel; captured, with most of
  /// its video formats left out.
  static let chromiumManyLines = """
    v=0
    o=- 7075885526021542857 2 IN IP4 127.0.0.1
    s=-
    t=0 0
    a=group:BUNDLE 0 1 2 3
    a=extmap-allow-mixed
    a=msid-semantic: WMS
    m=video 9 UDP/TLS/RTP/SAVPF 96 97 102
    c=IN IP4 0.0.0.0
    a=rtcp:9 IN IP4 0.0.0.0
    a=ice-ufrag:+zch
    a=ice-pwd:GqHGAADhVPxdeqKXKEXMaOp1
    a=ice-options:trickle
    a=fingerprint:sha-256 C3:78:7E:50:36:34:2F:6A:3C:7D:3D:75:9A:09:58:F8:35:80:C1:BF:60:ED:0B:8\
    8:21:4E:0D:A4:F0:92:98:CE
    a=setup:actpass
    a=mid:0
    a=sendrecv
    a=msid:- d856cb7f-0e00-497d-92e2-0dd16cd39680
    a=rtcp-mux
    a=rtcp-rsize
    a=rtcp-xr:rcvr-rtt=all
    a=rtpmap:96 VP8/90000
    a=rtcp-fb:96 goog-remb
    a=rtcp-fb:96 transport-cc
    a=rtcp-fb:96 ccm fir
    a=rtcp-fb:96 nack
    a=rtcp-fb:96 nack pli
    a=rtpmap:97 rtx/90000
    a=fmtp:97 apt=96
    a=rtpmap:102 H264/90000
    a=rtcp-fb:102 goog-remb
    a=rtcp-fb:102 transport-cc
    a=rtcp-fb:102 ccm fir
    a=rtcp-fb:102 nack
    a=rtcp-fb:102 nack pli
    a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
    a=ssrc-group:FID 4095932324 2569183829
    a=ssrc:4095932324 cname:4jWIv4PssgbHFeY4
    a=ssrc:4095932324 msid:- d856cb7f-0e00-497d-92e2-0dd16cd39680
    a=ssrc:2569183829 cname:4jWIv4PssgbHFeY4
    a=ssrc:2569183829 msid:- d856cb7f-0e00-497d-92e2-0dd16cd39680
    m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
    c=IN IP4 0.0.0.0
    a=rtcp:9 IN IP4 0.0.0.0
    a=ice-ufrag:+zch
    a=ice-pwd:GqHGAADhVPxdeqKXKEXMaOp1
    a=ice-options:trickle
    a=fingerprint:sha-256 C3:78:7E:50:36:34:2F:6A:3C:7D:3D:75:9A:09:58:F8:35:80:C1:BF:60:ED:0B:8\
    8:21:4E:0D:A4:F0:92:98:CE
    a=setup:actpass
    a=mid:1
    a=extmap:14 urn:ietf:params:rtp-hdrext:ssrc-audio-level
    a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
    a=extmap:4 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
    a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid
    a=sendrecv
    a=msid:- 7a627068-cfbc-4652-9d6f-a12c28a7d9d6
    a=rtcp-mux
    a=rtcp-rsize
    a=rtcp-xr:rcvr-rtt=all
    a=rtpmap:111 opus/48000/2
    a=rtcp-fb:111 transport-cc
    a=fmtp:111 minptime=10;useinbandfec=1
    a=rtpmap:63 red/48000/2
    a=fmtp:63 111/111
    a=rtpmap:9 G722/8000
    a=rtpmap:0 PCMU/8000
    a=rtpmap:8 PCMA/8000
    a=rtpmap:13 CN/8000
    a=rtpmap:110 telephone-event/48000
    a=rtpmap:126 telephone-event/8000
    a=ssrc:3577391036 cname:4jWIv4PssgbHFeY4
    a=ssrc:3577391036 msid:- 7a627068-cfbc-4652-9d6f-a12c28a7d9d6
    m=video 9 UDP/TLS/RTP/SAVPF 96 97 98
    c=IN IP4 0.0.0.0
    a=rtcp:9 IN IP4 0.0.0.0
    a=ice-ufrag:+zch
    a=ice-pwd:GqHGAADhVPxdeqKXKEXMaOp1
    a=ice-options:trickle
    a=fingerprint:sha-256 C3:78:7E:50:36:34:2F:6A:3C:7D:3D:75:9A:09:58:F8:35:80:C1:BF:60:ED:0B:8\
    8:21:4E:0D:A4:F0:92:98:CE
    a=setup:actpass
    a=mid:2
    a=recvonly
    a=rtcp-mux
    a=rtcp-rsize
    a=rtcp-xr:rcvr-rtt=all
    a=rtpmap:96 VP8/90000
    a=rtcp-fb:96 goog-remb
    a=rtcp-fb:96 transport-cc
    a=rtcp-fb:96 ccm fir
    a=rtcp-fb:96 nack
    a=rtcp-fb:96 nack pli
    a=rtpmap:97 rtx/90000
    a=fmtp:97 apt=96
    a=rtpmap:98 VP9/90000
    a=rtcp-fb:98 goog-remb
    a=rtcp-fb:98 transport-cc
    a=rtcp-fb:98 ccm fir
    a=rtcp-fb:98 nack
    a=rtcp-fb:98 nack pli
    a=fmtp:98 profile-id=0
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel
    c=IN IP4 0.0.0.0
    a=ice-ufrag:+zch
    a=ice-pwd:GqHGAADhVPxdeqKXKEXMaOp1
    a=ice-options:trickle
    a=fingerprint:sha-256 C3:78:7E:50:36:34:2F:6A:3C:7D:3D:75:9A:09:58:F8:35:80:C1:BF:60:ED:0B:8\
    8:21:4E:0D:A4:F0:92:98:CE
    a=setup:actpass
    a=mid:3
    a=sctp-port:5000
    a=max-message-size:262144

    """

  /// In the manner of Pion 3.1: 16-letter ufrag, candidates in the offer, NACK for Opus.
  static let pion = """
    v=0
    o=- 6543210987654321098 1795254839 IN IP4 0.0.0.0
    s=-
    t=0 0
    a=fingerprint:sha-256 9F:1D:0A:57:C2:3B:64:8E:11:D4:70:EE:25:B9:8C:42:6A:03:F7:5D:91:CE:38:A\
    0:7B:E6:14:4F:D2:89:5C:33
    a=extmap-allow-mixed
    a=group:BUNDLE 0
    m=audio 9 UDP/TLS/RTP/SAVPF 111 9 0 8
    c=IN IP4 0.0.0.0
    a=setup:actpass
    a=mid:0
    a=ice-ufrag:kBqWZrVJdTzWmLcX
    a=ice-pwd:ZyXgHqTnBvRcMwKsLpDfJtEoUaIbYxQe
    a=rtcp-mux
    a=rtcp-rsize
    a=rtpmap:111 opus/48000/2
    a=fmtp:111 minptime=10;useinbandfec=1
    a=rtcp-fb:111 nack
    a=rtcp-fb:111 nack pli
    a=rtpmap:9 G722/8000
    a=rtpmap:0 PCMU/8000
    a=rtpmap:8 PCMA/8000
    a=ssrc:2596996162 cname:pion
    a=ssrc:2596996162 msid:pion audio
    a=ssrc:2596996162 mslabel:pion
    a=ssrc:2596996162 label:audio
    a=msid:pion audio
    a=sendrecv
    a=candidate:3628985204 1 udp 2130706431 192.0.2.7 50717 typ host
    a=candidate:3628985204 2 udp 2130706431 192.0.2.7 50717 typ host
    a=end-of-candidates

    """

  /// In the manner of GStreamer 1.22 and libnice: 32-letter ufrag, mid `audio0`, OPUS in
  /// capitals.
  static let gstreamer = """
    v=0
    o=- 4310882764591427321 0 IN IP4 0.0.0.0
    s=-
    t=0 0
    a=ice-options:trickle
    a=group:BUNDLE audio0
    m=audio 9 UDP/TLS/RTP/SAVPF 97
    c=IN IP4 0.0.0.0
    a=setup:actpass
    a=ice-ufrag:QeR7wUXkvK2+0sQmPVsN4Ww1dQe5o8Ba
    a=ice-pwd:8rXyv0vJc2lIcW4dMwSP7Fh1iKxq3GtN
    a=rtcp-mux
    a=rtcp-rsize
    a=sendrecv
    a=rtpmap:97 OPUS/48000/2
    a=rtcp-fb:97 nack pli
    a=fmtp:97 sprop-maxcapturerate=48000;sprop-stereo=0
    a=ssrc:1297246134 msid:user1234@host-89ab webrtctransceiver0
    a=ssrc:1297246134 cname:user1234@host-89ab
    a=mid:audio0
    a=fingerprint:sha-256 5C:0B:93:E4:77:1F:CC:28:D0:6A:B5:41:0E:F9:82:3D:57:A6:1B:E0:94:CF:70:2\
    A:85:D3:4E:19:F6:60:BD:07
    a=rtcp-mux-only

    """

  /// A client that keeps an idle line in front of the one it uses; from the field, with its names
  /// changed.
  static let inactiveFirst = """
    v=0
    o=- 1 2 IN IP4 127.0.0.1
    s=-
    t=0 0
    a=group:BUNDLE 0 1
    a=fingerprint:sha-256 AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:\
    AB:AB:AB:AB:AB:AB:AB:AB
    m=audio 9 UDP/TLS/RTP/SAVPF 111
    c=IN IP4 0.0.0.0
    a=ice-ufrag:abcd
    a=ice-pwd:abcdefghijklmnopqrstuvwx
    a=setup:actpass
    a=mid:0
    a=inactive
    a=rtcp-mux
    a=rtpmap:111 opus/48000/2
    m=audio 9 UDP/TLS/RTP/SAVPF 111
    c=IN IP4 0.0.0.0
    a=ice-ufrag:abcd
    a=ice-pwd:abcdefghijklmnopqrstuvwx
    a=setup:actpass
    a=mid:1
    a=sendrecv
    a=rtcp-mux
    a=rtpmap:111 opus/48000/2

    """

  /// A client that hears on one line and speaks on another; likewise.
  static let receivingFirst = """
    v=0
    o=- 1 2 IN IP4 127.0.0.1
    s=-
    t=0 0
    a=group:BUNDLE 0 1
    a=fingerprint:sha-256 AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:\
    AB:AB:AB:AB:AB:AB:AB:AB
    m=audio 9 UDP/TLS/RTP/SAVPF 111
    c=IN IP4 0.0.0.0
    a=ice-ufrag:abcd
    a=ice-pwd:abcdefghijklmnopqrstuvwx
    a=setup:actpass
    a=mid:0
    a=recvonly
    a=rtcp-mux
    a=rtpmap:111 opus/48000/2
    m=audio 9 UDP/TLS/RTP/SAVPF 111
    c=IN IP4 0.0.0.0
    a=ice-ufrag:abcd
    a=ice-pwd:abcdefghijklmnopqrstuvwx
    a=setup:actpass
    a=mid:1
    a=sendonly
    a=rtcp-mux
    a=rtpmap:111 opus/48000/2

    """

  /// An offer that tests name in a word.
  struct Named: CustomTestStringConvertible {
    var testDescription: String
    var text: String
  }

  static let all = [
    Named(testDescription: "Chromium", text: chromium),
    Named(testDescription: "Firefox", text: firefox),
    Named(testDescription: "aiortc", text: aiortc),
    Named(testDescription: "Chromium, many lines", text: chromiumManyLines),
    Named(testDescription: "Pion", text: pion),
    Named(testDescription: "GStreamer", text: gstreamer),
    Named(testDescription: "inactive first", text: inactiveFirst),
    Named(testDescription: "receiving first", text: receivingFirst),
  ]

  /// The text with the line ends of the wire.
  static func crlf(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
  }
}
