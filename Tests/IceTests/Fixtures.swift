import Crypto
import Ice
import Testing
import Wire

let serverCredentials = IceCredentials(
  ufrag: "MARTLETserver", password: "server-password-of-22-chars")
let clientCredentials = IceCredentials(ufrag: "cli4", password: "client-password-of-22-chars")
let start = Instant(nanoseconds: 5_000_000_000)

/// A path that differs from others by its client's port alone.
func path(_ port: UInt16) -> PathID {
  PathID(
    relay: TransportAddress(ipv4: 0x7F00_0001, port: 4000), ingress: 1, listener: 0,
    client: TransportAddress(ipv4: 0xC000_0201, port: port))
}

/// Without an offer unless told otherwise: nothing is granted but for what comes.
func makeAgent(offerByteCount: Int = 0) -> IceLiteAgent {
  IceLiteAgent(
    local: serverCredentials, remote: clientCredentials, offerByteCount: offerByteCount, at: start)
}

/// A client's check, as a browser sends it unless told otherwise.
struct Check {
  var type = StunMessageType.bindingRequest
  var receiver = serverCredentials.ufrag
  var sender = clientCredentials.ufrag
  var key: HmacSha1? = serverCredentials.key
  var nominates = false
  var transaction: UInt64 = 1
  var unknown: UInt16?
  var value: [UInt8] = [1, 2, 3]
  /// An attribute that nobody has signed.
  var behindIntegrity: UInt16?

  var bytes: [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 1_500)
    let count = unsafe buffer.withUnsafeMutableBytes { buffer in
      var writer = unsafe StunWriter(
        into: buffer, type: type, transactionID: StunTransactionID(high: 7, low: transaction))
      unsafe writer.append(usernameOf: receiver.span.bytes, from: sender.span.bytes)
      writer.append(controllingTieBreaker: 42)
      if nominates { writer.appendUseCandidate() }
      if let unknown { unsafe writer.append(attribute: unknown, value.span.bytes) }
      if let key { StunIntegrity.append(to: &writer, key: key) }
      if let behindIntegrity {
        unsafe writer.append(attribute: behindIntegrity, [UInt8]().span.bytes)
      }
      writer.appendFingerprint()
      return writer.count
    }
    return Array(buffer[..<count])
  }
}

extension IceLiteAgent {
  /// Hands `bytes` over and gives the verdict and the reply.
  mutating func take(
    _ bytes: [UInt8], from path: PathID, at now: Instant = start
  ) -> (verdict: IceVerdict, reply: [UInt8], news: IceNews?) {
    var reply = [UInt8](repeating: 0, count: 128)
    let verdict = unsafe reply.withUnsafeMutableBytes {
      unsafe handle(bytes.span.bytes, from: path, at: now, reply: $0)
    }
    guard case .respond(let length, let news) = verdict else { return (verdict, [], nil) }
    return (verdict, Array(reply[..<length]), news)
  }

  /// The next request of our own.
  mutating func nextProof(
    at now: Instant, seed: UInt64 = 3
  ) -> (bytes: [UInt8], path: PathID)? {
    var random = SeededRandom(seed: seed)
    var buffer = [UInt8](repeating: 0, count: StunWriter.bytesMax)
    let result = unsafe buffer.withUnsafeMutableBytes {
      unsafe poll(at: now, into: $0, random: &random)
    }
    return result.map { (Array(buffer[..<$0.length]), $0.path) }
  }
}

/// The client's signed answer to `request`.
func answer(to request: [UInt8], key: HmacSha1 = clientCredentials.key) -> [UInt8] {
  guard let message = parse(request) else { return [] }
  var buffer = [UInt8](repeating: 0, count: 128)
  let count = unsafe buffer.withUnsafeMutableBytes { buffer in
    var writer = unsafe StunWriter(
      into: buffer, type: .bindingSuccess, transactionID: message.transactionID)
    writer.append(xorMappedAddress: TransportAddress(ipv4: 1, port: 1))
    StunIntegrity.append(to: &writer, key: key)
    writer.appendFingerprint()
    return writer.count
  }
  return Array(buffer[..<count])
}

/// `bytes` read as STUN; nil when they are none.
func parse(_ bytes: [UInt8]) -> StunMessage? {
  guard case .message(let message) = unsafe StunMessage.parse(bytes.span.bytes) else { return nil }
  return message
}

/// Whether `bytes` are a STUN message signed with `key` whose CRC holds.
func isSealed(_ bytes: [UInt8], with key: HmacSha1) -> Bool {
  guard let message = parse(bytes) else { return false }
  let isSigned = unsafe StunIntegrity.verify(bytes.span.bytes, message, key: key)
  return unsafe isSigned && message.fingerprintHolds(in: bytes.span.bytes)
}

/// `value`, or the end of the test. `#require` itself cannot hold a mutating call.
func some<Value>(_ value: Value?) throws -> Value { try #require(value) }
