import Crypto
import RelayCore
import Token
import Trunk
import Wire

/// Makes what clients and a transceiver send.
struct PacketMaker {
  /// Frames in a bundle on its way down.
  static let framesEach = 7

  let keys: RoutingKeys
  let trunkKey: TrunkKey?
  let transceiver: TransceiverID

  /// The address of a client by its number.
  static func client(_ number: Int) -> TransportAddress {
    TransportAddress(
      ipv4: 0xC633_0000 + UInt32(number / 50), port: UInt16(20_000 + number % 50))
  }

  /// Packets of one kind, all of one length, one for each client; downwards, bundles.
  func make(
    _ kind: PacketKind, clients: Int, minutes: UInt32, random: inout SeededRandom
  ) -> [[UInt8]] {
    switch kind {
    case .dataUp, .dataUpUnsigned: return (0..<clients).map { _ in voice() }
    case .dataDown, .dataDownUnsigned:
      return (0..<(clients / Self.framesEach)).map { bundle($0) }
    case .firstStun, .laterStun:
      return (0..<clients).map { _ in check(token(minutes, &random), &random) }
    case .forgedStun:
      return (0..<clients).map { _ in
        var bytes = Array(token(minutes, &random).text.utf8)
        // Another letter in the middle of the sealed block: nothing opens it.
        bytes[9] = bytes[9] == 65 ? 66 : 65
        return check(bytes, &random)
      }
    }
  }

  private func voice() -> [UInt8] { [0x80] + [UInt8](repeating: 0x55, count: 179) }

  private func bundle(_ number: Int) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 1_400)
    let header = TrunkHeader(kind: .down, cluster: 7, transceiver: transceiver, ingress: 3)
    let payload = voice()
    return unsafe buffer.withUnsafeMutableBytes { memory in
      var writer = unsafe BundleWriter(into: memory, header)
      for frame in 0..<Self.framesEach {
        let client = Self.client(number * Self.framesEach + frame)
        let isIn = unsafe payload.withUnsafeBytes {
          unsafe writer.append(TrunkFrame(listener: 0, client: client), $0)
        }
        precondition(isIn)
      }
      writer.seal(trunkKey)
      return unsafe Array(writer.datagram)
    }
  }

  private func token(_ minutes: UInt32, _ random: inout SeededRandom) -> RoutingToken {
    TokenSealer(keys).seal(
      TokenContents(cluster: 7, transceiver: transceiver, mintedMinutes: minutes),
      random: &random)
  }

  private func check(_ token: RoutingToken, _ random: inout SeededRandom) -> [UInt8] {
    check(Array(token.text.utf8), &random)
  }

  /// A browser's connectivity check with this ufrag, signed with the password that belongs to it.
  private func check(_ ufrag: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: StunWriter.bytesMax)
    let key = IcePasswordDeriver(keys).derive(unsafe ufrag.span.bytes, at: 0, length: ufrag.count)
      .integrityKey
    let id = StunTransactionID(random: &random)
    return unsafe buffer.withUnsafeMutableBytes { memory in
      var writer = unsafe StunWriter(into: memory, type: .bindingRequest, transactionID: id)
      let theirs: [UInt8] = Array("abcd".utf8)
      unsafe writer.append(usernameOf: ufrag.span.bytes, from: theirs.span.bytes)
      writer.append(controllingTieBreaker: 7)
      writer.appendUseCandidate()
      writer.append(priority: 0x6E7F_1EFF)
      StunIntegrity.append(to: &writer, key: key)
      writer.appendFingerprint()
      return unsafe Array(writer.written)
    }
  }
}
