import CallClient
import Crypto
import Rtp
import Srtp
import Voice
import Wire

/// libopus's and libsrtp2's states of some calls, and no more of a call than these: what an echo
/// has to do for a frame at least.
///
/// One thread may make the clients' packets while another answers them.
@safe final class BareWork: @unchecked Sendable {
  // @unchecked: a call's `client` and `sequenceNumber` belong to the thread that makes packets, the
  // rest to the thread that answers them.
  private final class Call {
    let tone: EncodedTone
    let client: SrtpContext
    let server: SrtpContext
    var decoder = OpusDecoder(rate: .hertz48000)
    var encoder = OpusEncoder(rate: .hertz48000)
    var sequenceNumber: UInt16 = 1

    init?(
      _ tone: EncodedTone, _ cryptography: SrtpCryptography, random: inout SecureRandom
    ) {
      let profile = SrtpProfile.aeadAes128Gcm
      func master() -> [UInt8] {
        (0..<profile.masterByteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
      }
      let (near, far) = (master(), master())
      guard let there = SrtpKeys(profile: profile, local: near, remote: far),
        let here = SrtpKeys(profile: profile, local: far, remote: near),
        let client = SrtpContext(keys: there, cryptography: cryptography),
        let server = SrtpContext(keys: here, cryptography: cryptography)
      else { return nil }
      (self.tone, self.client, self.server) = (tone, client, server)
    }
  }

  /// What is done for a frame, in this order.
  enum Step: Int, CaseIterable { case unprotect, decode, encode, protect }

  private var calls: [Call] = []
  private let frame: UnsafeMutableBufferPointer<Int16>

  var callCount: Int { calls.count }

  /// `cryptography` is libsrtp2's at both ends.
  init(calls count: Int, _ cryptography: SrtpCryptography) throws(BenchFailure) {
    unsafe frame = .allocate(capacity: PcmRate.hertz48000.frameSampleCount)
    unsafe frame.initialize(repeating: 0)
    var random = SecureRandom()
    let tones = stride(from: 300, through: 1_450, by: 50).map { EncodedTone(hertz: $0) }
    for number in 0..<count {
      guard let call = Call(tones[number % tones.count], cryptography, random: &random) else {
        throw BenchFailure("libsrtp2 refuses to start")
      }
      calls.append(call)
    }
  }

  deinit { unsafe frame.deallocate() }

  // MARK: - The client's side

  /// Writes the next packet of call `number` into `packet` and gives its length.
  func makePacket(
    _ number: Int, into packet: UnsafeMutableRawBufferPointer
  ) throws(BenchFailure) -> Int {
    let call = calls[number]
    let payloads = call.tone.payloads
    var writer = unsafe ByteWriter(into: packet)
    RtpHeader(
      marker: false, payloadType: 111, sequenceNumber: call.sequenceNumber,
      timestamp: UInt32(call.sequenceNumber) &* 960, ssrc: UInt32(number)
    ).write(to: &writer)
    let payload = payloads[Int(call.sequenceNumber) % payloads.count]
    unsafe writer.append(payload.span.bytes)
    call.sequenceNumber &+= 1
    var length = writer.count
    guard unsafe call.client.protectRtp(packet, length: &length) == .ok else {
      throw BenchFailure("libsrtp2 refuses to protect a packet")
    }
    return length
  }

  // MARK: - The server's side

  /// The call that a client's packet of `length` bytes belongs to; nil for what is none.
  func call(of packet: UnsafeMutableRawBufferPointer, length: Int) -> Int? {
    guard length >= RtpHeader.plainByteCount else { return nil }
    let number = unsafe UInt32(
      bigEndian: packet.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
    return number < calls.count ? Int(number) : nil
  }

  /// Takes one step on the way from a client's packet to its answer, which replaces it. False when
  /// a library refuses it.
  func take(
    _ step: Step, _ number: Int, _ packet: UnsafeMutableRawBufferPointer, length: inout Int
  ) -> Bool {
    let call = calls[number]
    let payload = unsafe UnsafeMutableRawBufferPointer(
      rebasing: packet[RtpHeader.plainByteCount...])
    switch step {
    case .unprotect: return unsafe call.server.unprotectRtp(packet, length: &length) == .ok
    case .decode:
      let bytes = unsafe UnsafeRawBufferPointer(
        rebasing: payload[..<(length - RtpHeader.plainByteCount)])
      return unsafe call.decoder.decode(bytes, into: frame) == frame.count
    case .encode:
      let count = unsafe call.encoder.encode(UnsafeBufferPointer(frame), into: payload)
      length = RtpHeader.plainByteCount + count
      return true
    case .protect: return unsafe call.server.protectRtp(packet, length: &length) == .ok
    }
  }
}
