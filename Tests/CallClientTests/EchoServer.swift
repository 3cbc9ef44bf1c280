import CallClient
import Crypto
import Dtls
import Ice
import Sdp
import Srtp
import Testing
import Wire

/// The smallest server that a caller can talk to: ICE-lite, DTLS, and each RTP packet sent back.
final class EchoServer {
  let address = TransportAddress(ipv4: 0x7F00_0001, port: 3478)
  let clientPath = PathID(
    relay: TransportAddress(ipv4: 0x7F00_0001, port: 1), ingress: 0, listener: 0,
    client: TransportAddress(ipv4: 0x7F00_0001, port: 50_000))
  let answer: String
  let dtls: OpenSslDtls
  private var ice: IceLiteAgent
  private var srtp: SrtpContext?
  private(set) var output: [[UInt8]] = []
  private(set) var sawGoodbye = false
  var echoes = true

  init(offer text: String, at now: Instant) throws {
    let offer = try CallOffer.parse(text)
    let identity = try DtlsIdentity.generate()
    let fingerprint = try #require(
      Fingerprint(.sha256, text: identity.fingerprint().text[...]))
    answer = CallAnswer(
      iceUfrag: "serverUfrag", icePwd: "serverPasswordOf24Chars0",
      fingerprint: fingerprint,
      candidates: [.init(address: "127.0.0.1", port: 3478)], ssrc: 77,
      streamName: "echo", sessionNumber: 1
    ).render(to: offer)
    let configuration = DtlsConfiguration(
      role: offer.setup.answer == .active ? .active : .passive,
      fingerprints: offer.fingerprints.compactMap { offered in
        DtlsHash(name: offered.hash.rawValue).flatMap {
          DtlsFingerprint(hash: $0, digest: offered.bytes)
        }
      })
    dtls = try OpenSslDtls(
      identity: identity, configuration: configuration,
      seed: [UInt8](repeating: 9, count: 32))
    ice = IceLiteAgent(
      local: IceCredentials(ufrag: "serverUfrag", password: "serverPasswordOf24Chars0"),
      remote: IceCredentials(ufrag: offer.iceUfrag, password: offer.icePwd),
      offerByteCount: 0, at: now)
  }

  var deadline: Instant { dtls.deadline }

  func handle(_ datagram: [UInt8], at now: Instant) {
    switch DatagramKind.classify(firstByte: datagram[0]) {
    case .stun:
      var reply = [UInt8](repeating: 0, count: 128)
      let verdict = unsafe reply.withUnsafeMutableBytes {
        unsafe ice.handle(datagram.span.bytes, from: clientPath, at: now, reply: $0)
      }
      if case .respond(let length, let news) = verdict {
        output.append(Array(reply[..<length]))
        if news.isNewPath { dtls.start(at: now) }
      }
    case .dtls: unsafe datagram.withUnsafeBytes { unsafe dtls.handle($0, at: now) }
    case .media: echo(datagram)
    case .other: break
    }
    pump()
  }

  func handleTimeout(at now: Instant) {
    dtls.handleTimeout(at: now)
    pump()
  }

  func takeOutput() -> [[UInt8]] {
    defer { output = [] }
    return output
  }

  private func pump() {
    var buffer = [UInt8](repeating: 0, count: 1500)
    while let count = unsafe buffer.withUnsafeMutableBytes({ unsafe dtls.nextDatagram(into: $0) }) {
      output.append(Array(buffer[..<count]))
    }
    guard srtp == nil, let agreed = dtls.srtpKeys,
      let profile = SrtpProfile(rawValue: agreed.profile),
      let keys = SrtpKeys(profile: profile, local: agreed.local, remote: agreed.remote)
    else { return }
    srtp = SrtpContext(keys: keys)
  }

  private func echo(_ datagram: [UInt8]) {
    guard let srtp else { return }
    var buffer = datagram + [UInt8](repeating: 0, count: SrtpContext.overheadByteCount)
    var length = datagram.count
    if (192...223).contains(datagram[1]) {
      let status = unsafe buffer.withUnsafeMutableBytes {
        unsafe srtp.unprotectRtcp($0, length: &length)
      }
      sawGoodbye = sawGoodbye || (status == .ok && buffer[..<length].contains(203))
      return
    }
    let status = unsafe buffer.withUnsafeMutableBytes { bytes in
      let status = unsafe srtp.unprotectRtp(bytes, length: &length)
      guard status == .ok else { return status }
      unsafe bytes[11] = 77
      return unsafe srtp.protectRtp(bytes, length: &length)
    }
    #expect(status == .ok)
    if echoes { output.append(Array(buffer[..<length])) }
  }
}
