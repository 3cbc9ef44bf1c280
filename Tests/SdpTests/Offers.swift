/// Offers as clients make them; lines end with LF here, `crlf` gives them as they are sent.
enum Offers {
  /// Headless Chromium 156, one microphone; captured.
  static let chromium = """
    v=0
    o=- 8032106216615764919 2 IN IP4 127.0.0.1
    s=-
    t=0 0
    a=group:BUNDLE 0
    a=extmap-allow-mixed
    a=msid-semantic: WMS 4941d6fc-5d9d-4f2a-ae56-f5a4f664dd2f
    m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
    c=IN IP4 0.0.0.0
    a=rtcp:9 IN IP4 0.0.0.0
    a=ice-ufrag:mrYR
    a=ice-pwd:Wtz1P8/itiZV4eKvx0z/Mytp
    a=ice-options:trickle
    a=fingerprint:sha-256 34:27:3E:56:BA:91:4C:88:3B:E5:B5:75:AA:B3:DE:98:BD:BD:85:C2:B5:00:FC:1\
    A:8B:A0:81:78:4C:83:C5:0D
    a=setup:actpass
    a=mid:0
    a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
    a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
    a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
    a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
    a=sendrecv
    a=msid:4941d6fc-5d9d-4f2a-ae56-f5a4f664dd2f 87af9c2f-12a4-4011-912b-f289af544108
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
    a=ssrc:4246491580 cname:nLNyPxWDwYNwgcJL
    a=ssrc:4246491580 msid:4941d6fc-5d9d-4f2a-ae56-f5a4f664dd2f 87af9c2f-12a4-4011-912b-f289af54\
    4108

    """

  /// Firefox ESR 153, one microphone; captured.
  static let firefox = """
    v=0
    o=mozilla...THIS_IS_SDPARTA-99.0 4994156140154424402 0 IN IP4 0.0.0.0
    s=-
    t=0 0
    a=sendrecv
    a=fingerprint:sha-256 E2:EA:48:3C:E7:55:A1:0F:2F:F3:91:AB:E7:09:98:37:F9:C8:87:D7:78:FB:28:A\
    0:E0:1A:35:3F:7D:FF:44:B5
    a=group:BUNDLE 0
    a=ice-options:trickle
    a=msid-semantic:WMS *
    m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101
    c=IN IP4 0.0.0.0
    a=sendrecv
    a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
    a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level
    a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid
    a=extmap:7 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
    a=extmap-allow-mixed
    a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1
    a=fmtp:101 0-15
    a=ice-pwd:387abc6fa439c3edb73ec26dffbad435
    a=ice-ufrag:5c047e19
    a=mid:0
    a=msid:{bdc982bb-92d5-4502-a746-30ec398f574d} {e3bf15fd-f601-4555-bf18-ce64a031968f}
    a=rtcp-fb:109 transport-cc
    a=rtcp-fb:9 transport-cc
    a=rtcp-fb:0 transport-cc
    a=rtcp-fb:8 transport-cc
    a=rtcp-mux
    a=rtpmap:109 opus/48000/2
    a=rtpmap:9 G722/8000/1
    a=rtpmap:0 PCMU/8000
    a=rtpmap:8 PCMA/8000
    a=rtpmap:101 telephone-event/8000
    a=setup:actpass
    a=ssrc:49780399 cname:{14d775a5-a5d6-42b1-a62e-f0c57b01db45}

    """

  /// aiortc 1.16 with a data channel, candidates and three hashes; captured, with
  /// documentation addresses.
  static let aiortc = """
    v=0
    o=- 4004243711 4004243711 IN IP4 0.0.0.0
    s=-
    t=0 0
    a=group:BUNDLE 0 1
    a=msid-semantic:WMS *
    m=audio 35440 UDP/TLS/RTP/SAVPF 96 9 0 8
    c=IN IP4 192.0.2.2
    a=sendrecv
    a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid
    a=extmap:2 urn:ietf:params:rtp-hdrext:ssrc-audio-level
    a=mid:0
    a=msid:f03d1ffa-166d-42c6-a313-1939b45e775c 3ee54df4-f916-412b-9373-674440a73d55
    a=rtcp:9 IN IP4 0.0.0.0
    a=rtcp-mux
    a=ssrc:3855535528 cname:784fca42-6fbf-4e8a-9047-21f0ef2a6691
    a=rtpmap:96 opus/48000/2
    a=rtpmap:9 G722/8000
    a=rtpmap:0 PCMU/8000
    a=rtpmap:8 PCMA/8000
    a=candidate:f957a2332b1715da3b0ef8ba684454eb 1 udp 2130706431 192.0.2.2 35440 typ host
    a=candidate:d0bcf3d9c29a2bc887618212a1623bfa 1 udp 2130706431 fd00::2 56371 typ host
    a=end-of-candidates
    a=ice-ufrag:C6jO
    a=ice-pwd:1vwophtZ1qbQIT1DU23WMw
    a=fingerprint:sha-256 06:41:11:A4:CF:25:AD:0D:76:EA:A7:DF:E5:E2:82:94:81:9F:85:98:E0:02:17:0\
    5:31:AA:71:0A:8B:A3:A5:A0
    a=fingerprint:sha-384 25:04:EE:CF:D4:BD:B9:E7:FA:BD:BC:03:E6:B3:2D:81:EC:9B:DA:97:6C:DE:4C:5\
    5:F1:CD:33:97:CD:2B:CD:A0:74:51:B2:98:76:B3:CA:FD:C8:EA:B0:5D:F9:58:18:FD
    a=fingerprint:sha-512 E7:7D:F7:67:1C:03:6E:55:BA:B7:44:37:19:42:4D:85:6B:F3:EA:86:F7:6D:19:F\
    4:E6:0D:76:50:E7:73:3B:F5:29:DD:7D:A0:07:7B:36:40:50:05:D1:84:1F:64:AE:3B:B3:FC:1C:6B:03:3B:\
    FC:FF:A7:66:A6:98:72:79:88:81
    a=setup:actpass
    m=application 50926 UDP/DTLS/SCTP webrtc-datachannel
    c=IN IP4 192.0.2.2
    a=mid:1
    a=sctp-port:5000
    a=max-message-size:262144
    a=candidate:f957a2332b1715da3b0ef8ba684454eb 1 udp 2130706431 192.0.2.2 50926 typ host
    a=candidate:d0bcf3d9c29a2bc887618212a1623bfa 1 udp 2130706431 fd00::2 36160 typ host
    a=end-of-candidates
    a=ice-ufrag:C6jO
    a=ice-pwd:1vwophtZ1qbQIT1DU23WMw
    a=fingerprint:sha-256 06:41:11:A4:CF:25:AD:0D:76:EA:A7:DF:E5:E2:82:94:81:9F:85:98:E0:02:17:0\
    5:31:AA:71:0A:8B:A3:A5:A0
    a=fingerprint:sha-384 25:04:EE:CF:D4:BD:B9:E7:FA:BD:BC:03:E6:B3:2D:81:EC:9B:DA:97:6C:DE:4C:5\
    5:F1:CD:33:97:CD:2B:CD:A0:74:51:B2:98:76:B3:CA:FD:C8:EA:B0:5D:F9:58:18:FD
    a=fingerprint:sha-512 E7:7D:F7:67:1C:03:6E:55:BA:B7:44:37:19:42:4D:85:6B:F3:EA:86:F7:6D:19:F\
    4:E6:0D:76:50:E7:73:3B:F5:29:DD:7D:A0:07:7B:36:40:50:05:D1:84:1F:64:AE:3B:B3:FC:1C:6B:03:3B:\
    FC:FF:A7:66:A6:98:72:79:88:81
    a=setup:actpass

    """
}
