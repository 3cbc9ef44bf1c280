// What the packet path's primitives cost, in nanoseconds on one core: the best of several rounds.
//
//     swift run -c release primitives-bench
//
// Figures for people; nothing asserts them.
import Crypto
import Glibc
import Token
import Trunk
import Wire

let keys = generatedKeys()
let now: UInt32 = 1_000
let contents = TokenContents(
  cluster: 1, transceiver: TransceiverID(node: 2, shard: 3), mintedMinutes: now)

measureTokens()
measureStun()
measureTrunk()
measureSrtp()

func generatedKeys() -> RoutingKeys {
  var random = SeededRandom(seed: 1)
  return RoutingKeys.generate(random: &random)
}

/// CPU time of this thread in nanoseconds.
func nanoseconds() -> Int {
  var time = timespec()
  unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Prints what one call of `body` costs; `body` gets a running number.
@inline(__always)
func measure(_ name: String, _ body: (Int) -> Void) {
  let calls = 100_000
  var best = Int.max
  for _ in 0..<9 {
    let start = nanoseconds()
    for call in 0..<calls { body(call) }
    best = min(best, nanoseconds() - start)
  }
  say(name, tenths: best * 10 / calls)
}

/// Prints a figure, in tenths of a nanosecond.
func say(_ name: String, tenths: Int) {
  let padding = String(repeating: " ", count: max(1, 44 - name.count))
  print("\(name)\(padding)\(tenths / 10).\(tenths % 10) ns")
}

/// Keeps a result alive, so that what made it is not optimised away.
@inline(never)
func keep(_ value: Int) {}

func measureTokens() {
  var random = SeededRandom(seed: 2)
  let opener = TokenOpener(keys)
  let sealer = TokenSealer(keys)
  let valid = Array(sealer.seal(contents, random: &random).text.utf8)
  let validSpan = unsafe valid.span.bytes
  measure("token open, valid") { _ in
    if case .valid(let contents) = opener.open(validSpan, at: 0, length: 23, nowMinutes: now) {
      keep(Int(contents.nonce))
    }
  }
  // Different forged tokens in turn, as a flood would be: nothing for the branch predictor.
  let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
  var flood: [UInt8] = []
  for _ in 0..<4_096 {
    flood += [valid[0]] + (0..<21).map { _ in alphabet.randomElement(using: &random)! } + [65, 0]
  }
  let floodSpan = unsafe flood.span.bytes
  measure("token open, forged") { call in
    let verdict = opener.open(floodSpan, at: (call & 4_095) * 24, length: 23, nowMinutes: now)
    if verdict == .forged { keep(1) }
  }
  measure("token seal") { _ in
    keep(sealer.seal(contents, random: &random).hashValue)
  }
  let deriver = IcePasswordDeriver(keys)
  measure("ICE password derive") { _ in
    let password = deriver.derive(validSpan, at: 0, length: 23)
    withExtendedLifetime(password) { keep(1) }
  }
}

/// A Binding request as Chromium sends it, 23 and 4 characters of ufrag.
func bindingRequest(_ key: HmacSha1) -> [UInt8] {
  var buffer = [UInt8](repeating: 0, count: StunWriter.bytesMax)
  let ours = [UInt8](repeating: 65, count: 23)
  let theirs = [UInt8](repeating: 66, count: 4)
  return unsafe buffer.withUnsafeMutableBytes { buffer in
    var writer = unsafe StunWriter(
      into: buffer, type: .bindingRequest, transactionID: .init(high: 1, low: 2))
    unsafe writer.append(usernameOf: ours.span.bytes, from: theirs.span.bytes)
    unsafe writer.append(attribute: 0xC057, [0, 1, 2, 3].span.bytes)
    writer.append(controllingTieBreaker: 7)
    writer.appendUseCandidate()
    writer.append(priority: 9)
    StunIntegrity.append(to: &writer, key: key)
    writer.appendFingerprint()
    return unsafe Array(writer.written)
  }
}

func measureStun() {
  let secret = [UInt8](repeating: 65, count: 32)
  let key = HmacSha1(key: secret)
  let request = bindingRequest(key)
  let span = unsafe request.span.bytes
  measure("StunMessage.parse, \(request.count) bytes") { _ in
    if case .message(let message) = StunMessage.parse(span) { keep(message.count) }
  }
  guard case .message(let message) = StunMessage.parse(span) else { return }
  measure("FINGERPRINT check") { _ in keep(message.fingerprintHolds(in: span) ? 1 : 0) }
  measure("MESSAGE-INTEGRITY check") { _ in
    keep(StunIntegrity.verify(span, message, key: key) ? 1 : 0)
  }
  let deriver = IcePasswordDeriver(keys)
  measure("password derive, key, MESSAGE-INTEGRITY check") { _ in
    let key = deriver.derive(span, at: 24, length: 23).integrityKey
    keep(StunIntegrity.verify(span, message, key: key) ? 1 : 0)
  }
}

func measureTrunk() {
  guard let key = TrunkKey(keys.trunk) else { return }
  let payload = [UInt8](repeating: 1, count: 180)
  var buffer = [UInt8](repeating: 0, count: 1_400)
  let frame = TrunkFrame(listener: 1, client: TransportAddress(ipv4: 1, port: 2))
  let header = TrunkHeader(
    kind: .up, cluster: 1, transceiver: contents.transceiver, ingress: 3)
  unsafe payload.withUnsafeBytes { payload in
    unsafe buffer.withUnsafeMutableBytes { buffer in
      var hash = SipHash24(k0: 1, k1: 2)
      let whole = UnsafeRawBufferPointer(buffer)
      measure("SipHash-2-4 of 1,400 bytes") { _ in
        unsafe keep(Int(truncatingIfNeeded: hash.finish(whole, total: whole.count)))
      }
      var writer = unsafe BundleWriter(into: buffer, header)
      measure("bundle of 7 packets of 180 bytes, unsigned") { _ in
        writer.restart()
        while unsafe writer.append(frame, payload) {}
        keep(writer.count)
      }
      measure("bundle of 7 packets of 180 bytes, signed") { _ in
        writer.restart()
        while unsafe writer.append(frame, payload) {}
        writer.seal(key)
        keep(writer.count)
      }
      let datagram = unsafe writer.datagram
      let bundle = unsafe datagram.bytes
      measure("bundle of 7 read, tag checked") { _ in
        guard case .valid = TrunkDatagram.open(bundle, key) else { return }
        var offset = TrunkHeader.bytes
        while case .frame(_, let payload) = TrunkDatagram.nextFrame(bundle, at: offset) {
          offset = payload.end
        }
        keep(offset)
      }
    }
  }
}
