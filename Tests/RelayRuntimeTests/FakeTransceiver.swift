import Crypto
import Token
import Trunk
import Wire

/// The trunk end of a transceiver, for tests: sees what a relay forwards and answers by hand.
final class FakeTransceiver {
  let id: TransceiverID
  let trunk: UdpSocket
  private var waiting: [Arrival] = []

  /// A client packet as the relay delivered it.
  struct Arrival: Equatable {
    var relay: TransportAddress
    var ingress: UInt16
    var frame: TrunkFrame
    var bytes: [UInt8]
  }

  init(node: UInt16, shard: UInt8) throws {
    id = TransceiverID(node: node, shard: shard)
    trunk = try UdpSocket()
  }

  /// The next client packet; nil when none comes within `milliseconds`, or what comes is no bundle
  /// for us under `keys`.
  func receive(_ keys: RoutingKeys, milliseconds: Int32 = 60_000) -> Arrival? {
    if waiting.isEmpty, let (bytes, peer) = trunk.receive(milliseconds: milliseconds) {
      waiting = unpack(bytes, from: peer, keys)
    }
    return waiting.isEmpty ? nil : waiting.removeFirst()
  }

  private func unpack(
    _ bytes: [UInt8], from peer: TransportAddress, _ keys: RoutingKeys
  ) -> [Arrival] {
    let span = unsafe bytes.span.bytes
    guard case .valid(let header) = TrunkDatagram.open(span, TrunkKey(keys.trunk)),
      header.kind == .up, header.transceiver == id
    else { return [] }
    var arrivals: [Arrival] = []
    var offset = TrunkHeader.bytes
    while case .frame(let frame, let payload) = TrunkDatagram.nextFrame(span, at: offset) {
      arrivals.append(
        Arrival(
          relay: peer, ingress: header.ingress, frame: frame,
          bytes: Array(bytes[payload.offset..<payload.end])))
      offset = payload.end
    }
    return arrivals
  }

  /// Sends `payload` back on the path that `arrival` came by.
  func answer(
    _ arrival: Arrival, _ payload: [UInt8], keys: RoutingKeys, cluster: UInt16 = 7,
    ended: Bool = false
  ) {
    var buffer = [UInt8](repeating: 0, count: 2048)
    let header = TrunkHeader(
      kind: .down, cluster: cluster, transceiver: id, ingress: arrival.ingress)
    let count = unsafe buffer.withUnsafeMutableBytes { memory in
      var writer = unsafe BundleWriter(into: memory, header)
      var frame = arrival.frame
      frame.ended = ended
      let isIn = unsafe payload.withUnsafeBytes { unsafe writer.append(frame, $0) }
      precondition(isIn)
      writer.seal(TrunkKey(keys.trunk))
      return writer.count
    }
    trunk.send(Array(buffer[..<count]), to: arrival.relay)
  }

  /// A browser's connectivity check for a session of this transceiver.
  func check(
    _ keys: RoutingKeys, cluster: UInt16 = 7, signedWith other: RoutingKeys? = nil
  ) -> [UInt8] {
    var random = SecureRandom()
    var now = RealTime.minutes
    if now > 0 { now -= 1 }
    let token = TokenSealer(other ?? keys).seal(
      TokenContents(cluster: cluster, transceiver: id, mintedMinutes: now), random: &random)
    let key = IcePasswordDeriver(keys).derive(token).integrityKey
    var buffer = [UInt8](repeating: 0, count: StunWriter.bytesMax)
    let transactionID = StunTransactionID(random: &random)
    let count = unsafe buffer.withUnsafeMutableBytes { memory in
      var writer = unsafe StunWriter(
        into: memory, type: .bindingRequest, transactionID: transactionID)
      let ours = Array(token.text.utf8)
      let theirs = Array("abcd".utf8)
      unsafe writer.append(usernameOf: ours.span.bytes, from: theirs.span.bytes)
      StunIntegrity.append(to: &writer, key: key)
      writer.appendFingerprint()
      return writer.count
    }
    return Array(buffer[..<count])
  }
}
