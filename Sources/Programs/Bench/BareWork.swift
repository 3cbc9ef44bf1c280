import CTraffic
import CallClient
import Crypto
import Glibc
import Rtp
import Settings
import Srtp
import Voice
import Wire

/// What the libraries take for a frame by themselves: nanoseconds of CPU time.
struct LibraryCost: Equatable, Sendable {
  var decode = 0.0
  var encode = 0.0
  var unprotect = 0.0
  var protect = 0.0

  var opus: Double { decode + encode }
  var srtp: Double { unprotect + protect }
}

/// libopus's and libsrtp2's states of some calls, and no more of a call than these: what an echo
/// has to do for a frame at least.
@safe final class BareWork {
  private static let packetBytesMax = 1_500
  /// Encoders and decoders need some frames to settle.
  private static let warmUpRounds = 25

  private final class Call {
    let tone: EncodedTone
    let client: SrtpContext
    let server: SrtpContext
    var decoder = OpusDecoder(rate: .hertz48000)
    var encoder = OpusEncoder(rate: .hertz48000)
    var sequenceNumber: UInt16 = 1
    var length = 0

    init?(_ tone: EncodedTone, random: inout SecureRandom) {
      let profile = SrtpProfile.aeadAes128Gcm
      func master() -> [UInt8] {
        (0..<profile.masterByteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
      }
      let (near, far) = (master(), master())
      guard let there = SrtpKeys(profile: profile, local: near, remote: far),
        let here = SrtpKeys(profile: profile, local: far, remote: near),
        let client = SrtpContext(keys: there), let server = SrtpContext(keys: here)
      else { return nil }
      (self.tone, self.client, self.server) = (tone, client, server)
    }
  }

  private var calls: [Call] = []
  private let packets: UnsafeMutableRawBufferPointer
  private let frames: UnsafeMutableBufferPointer<Int16>
  private var rounds = 0
  /// Nanoseconds of unprotecting, decoding, encoding, protecting.
  private var spent: [UInt64] = [0, 0, 0, 0]

  init(calls count: Int) throws(BenchFailure) {
    unsafe packets = .allocate(byteCount: count * Self.packetBytesMax, alignment: 64)
    unsafe frames = .allocate(capacity: count * PcmRate.hertz48000.frameSampleCount)
    unsafe frames.initialize(repeating: 0)
    var random = SecureRandom()
    let tones = stride(from: 300, through: 1_450, by: 50).map { EncodedTone(hertz: $0) }
    for number in 0..<count {
      guard let call = Call(tones[number % tones.count], random: &random) else {
        throw BenchFailure("libsrtp2 refuses to start")
      }
      calls.append(call)
    }
  }

  deinit {
    unsafe packets.deallocate()
    unsafe frames.deallocate()
  }

  /// The cost of a frame, over `frameCount` frames or some more: all calls in turn, and each call's
  /// steps after each other, as a server takes them.
  func cost(frameCount: Int) throws(BenchFailure) -> LibraryCost {
    while rounds < Self.warmUpRounds { try round() }
    spent = [0, 0, 0, 0]
    let count = max(1, frameCount / calls.count)
    for _ in 0..<count { try round() }
    let clock = Self.clockNanoseconds()
    let means = spent.map { max(0, Double($0) / Double(count * calls.count) - clock) }
    return LibraryCost(
      decode: means[1], encode: means[2], unprotect: means[0], protect: means[3])
  }

  /// A frame of each call: first they arrive, then they are answered.
  private func round() throws(BenchFailure) {
    for number in calls.indices { try prepare(number) }
    rounds += 1
    var isGood = true
    for number in calls.indices {
      let start = Self.cpuNanoseconds()
      isGood = unprotect(number) && isGood
      spent[0] += Self.cpuNanoseconds() - start
    }
    for number in calls.indices {
      let start = Self.cpuNanoseconds()
      isGood = decode(number) && isGood
      let decoded = Self.cpuNanoseconds()
      encode(number)
      let encoded = Self.cpuNanoseconds()
      isGood = protect(number) && isGood
      spent[1] += decoded - start
      spent[2] += encoded - decoded
      spent[3] += Self.cpuNanoseconds() - encoded
    }
    guard isGood else { throw BenchFailure("a library refused a packet of the bare sum") }
  }

  private func unprotect(_ number: Int) -> Bool {
    let call = calls[number]
    return unsafe call.server.unprotectRtp(packet(number), length: &call.length) == .ok
  }

  private func decode(_ number: Int) -> Bool {
    let call = calls[number]
    let payload = unsafe packet(number)[RtpHeader.plainByteCount..<call.length]
    let count = unsafe call.decoder.decode(
      UnsafeRawBufferPointer(rebasing: payload), into: frame(number))
    return unsafe count == frame(number).count
  }

  private func encode(_ number: Int) {
    let call = calls[number]
    let payload = unsafe UnsafeMutableRawBufferPointer(
      rebasing: packet(number)[RtpHeader.plainByteCount...])
    let count = unsafe call.encoder.encode(UnsafeBufferPointer(frame(number)), into: payload)
    call.length = RtpHeader.plainByteCount + count
  }

  private func protect(_ number: Int) -> Bool {
    let call = calls[number]
    return unsafe call.server.protectRtp(packet(number), length: &call.length) == .ok
  }

  /// The client's packet, as it comes to the server.
  private func prepare(_ number: Int) throws(BenchFailure) {
    let call = calls[number]
    let payloads = call.tone.payloads
    var writer = unsafe ByteWriter(into: packet(number))
    RtpHeader(
      marker: false, payloadType: 111, sequenceNumber: call.sequenceNumber,
      timestamp: UInt32(call.sequenceNumber) &* 960, ssrc: UInt32(number) + 1
    ).write(to: &writer)
    let payload = payloads[rounds % payloads.count]
    unsafe writer.append(payload.span.bytes)
    call.sequenceNumber &+= 1
    call.length = writer.count
    guard unsafe call.client.protectRtp(packet(number), length: &call.length) == .ok else {
      throw BenchFailure("libsrtp2 refuses to protect a packet")
    }
  }

  private func packet(_ number: Int) -> UnsafeMutableRawBufferPointer {
    let start = number * Self.packetBytesMax
    return unsafe UnsafeMutableRawBufferPointer(
      rebasing: packets[start..<start + Self.packetBytesMax])
  }

  private func frame(_ number: Int) -> UnsafeMutableBufferPointer<Int16> {
    let count = PcmRate.hertz48000.frameSampleCount
    return unsafe UnsafeMutableBufferPointer(
      rebasing: frames[number * count..<(number + 1) * count])
  }

  /// What a reading of the clock takes.
  private static func clockNanoseconds() -> Double {
    let count = 10_000
    let start = cpuNanoseconds()
    for _ in 0..<count { _ = cpuNanoseconds() }
    return Double(cpuNanoseconds() - start) / Double(count)
  }

  /// Of this thread.
  private static func cpuNanoseconds() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}

/// What system calls take for a frame by themselves: nanoseconds of CPU time.
struct SystemCost: Equatable, Sendable {
  var receive = 0.0
  var send = 0.0
  var wait = 0.0

  var sum: Double { receive + send + wait }

  init() {}

  /// As many calls for as many datagrams as `shard` made for a frame; measured over `frames`.
  init(_ shard: ShardLine, frames: Int) throws(BenchFailure) {
    guard shard.packets > 0 else { throw BenchFailure("the transceiver saw no packet") }
    let scale = Double(frames) / shard.packets
    func shape(_ calls: Double, _ datagrams: Double, _ bytes: Double) -> ct_calls {
      ct_calls(
        calls: UInt32(max(1, calls * scale)), datagrams: UInt32(datagrams * scale),
        bytes: UInt32(max(1, bytes / max(1, datagrams))))
    }
    var incoming = shape(shard.receiveCalls, shard.bundles, shard.receivedBytes)
    var outgoing = shape(shard.sendCalls, shard.bundlesSent, shard.sentBytes)
    receive = try Self.checked(unsafe ct_bare_receive(&incoming)) / Double(frames)
    send = try Self.checked(unsafe ct_bare_send(&outgoing)) / Double(frames)
    wait = try Self.checked(ct_bare_wait(UInt32(max(1, shard.turns * scale)))) / Double(frames)
  }

  private static func checked(_ nanoseconds: Int64) throws(BenchFailure) -> Double {
    guard nanoseconds >= 0 else {
      throw BenchFailure("a bare system call: \(systemErrorText(Int32(-nanoseconds)))")
    }
    return Double(nanoseconds)
  }
}
