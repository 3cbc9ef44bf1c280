import Crypto
import Glibc
import Token
import Trunk
import Wire

/// Makes what clients and transceivers send in a run.
struct TrafficMaker: ~Copyable {
  /// Bytes of a voice packet, UDP payload: 20 ms of Opus at 64 kbit/s, sealed.
  static let packetBytes = 180
  /// Where in a voice packet the time of sending is: behind the RTP header.
  static let stampOffset = 12
  /// Bytes before each packet on a baseline's trunk: the client's address and port.
  static let baselineHeaderBytes = 8

  private let site: Site
  private let keys: RoutingKeys
  private let sealer: TokenSealer
  private let deriver: IcePasswordDeriver
  private var random: SeededRandom

  init(_ site: Site, keys: RoutingKeys, seed: UInt64) {
    self.site = site
    self.keys = keys
    sealer = TokenSealer(keys)
    deriver = IcePasswordDeriver(keys)
    random = SeededRandom(seed: seed)
  }

  /// One voice packet of each client.
  mutating func media() -> Traffic {
    let items = (0..<site.flows).map { fromClient($0, Self.voicePacket($0)) }
    return Traffic(items)
  }

  /// One valid first check of each client.
  mutating func checks() -> Traffic {
    var items: [Traffic.Item] = []
    for flow in 0..<site.flows {
      items.append(fromClient(flow, check(for: Site.name(ofTransceiver: site.owner(of: flow)))))
    }
    return Traffic(items)
  }

  /// What transceivers send to a relay of ours: bundles of a voice packet for each of `packets`
  /// clients, one after the other; each transceiver speaks to its own clients only.
  mutating func bundlesDown(packets: Int) -> [Traffic] {
    let key = TrunkKey(keys.trunk)
    return site.transceivers.indices.map { transceiver in
      let flows = (0..<site.flows).filter { site.owner(of: $0) == transceiver }
      let rounds = flows.count.isMultiple(of: packets) ? 1 : packets
      var items: [Traffic.Item] = []
      for start in stride(from: 0, to: flows.count * rounds, by: packets) {
        let some = (start..<start + packets).map { flows[$0 % flows.count] }
        items.append(toTrunk(bundle(some, from: transceiver, key)))
      }
      return Traffic(items, packetsEach: packets)
    }
  }

  /// The same for a forwarder with one packet in a datagram.
  mutating func singlesDown() -> [Traffic] {
    site.transceivers.indices.map { transceiver in
      let flows = (0..<site.flows).filter { site.owner(of: $0) == transceiver }
      return Traffic(
        flows.map { flow in
          let client = site.client(flow)
          var header: [UInt8] = []
          for shift in [24, 16, 8, 0] as [UInt32] {
            header.append(UInt8(truncatingIfNeeded: client.ipv4 >> shift))
          }
          header += [UInt8(client.port >> 8), UInt8(client.port & 0xFF), 0, 0]
          return toTrunk(header + Self.voicePacket(flow))
        })
    }
  }

  private func fromClient(_ flow: Int, _ bytes: [UInt8]) -> Traffic.Item {
    Traffic.Item(
      bytes: bytes, source: site.client(flow).ipv4, port: site.listenPort, destination: Site.home)
  }

  private func toTrunk(_ bytes: [UInt8]) -> Traffic.Item {
    Traffic.Item(bytes: bytes, source: nil, port: site.trunkPort, destination: Site.home)
  }

  /// The shape of an RTP packet.
  private static func voicePacket(_ flow: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: flow), count: packetBytes)
    bytes[0] = 0x80
    bytes[1] = 111
    for index in stampOffset..<stampOffset + 8 { bytes[index] = 0 }
    return bytes
  }

  private func bundle(_ flows: [Int], from transceiver: Int, _ key: TrunkKey?) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 9000)
    let header = TrunkHeader(
      kind: .down, cluster: 1, transceiver: Site.name(ofTransceiver: transceiver), ingress: 1)
    let count = unsafe buffer.withUnsafeMutableBytes { memory in
      var writer = unsafe BundleWriter(into: memory, header)
      for flow in flows {
        let frame = TrunkFrame(listener: 0, client: site.client(flow))
        let isIn = unsafe Self.voicePacket(flow).withUnsafeBytes {
          unsafe writer.append(frame, $0)
        }
        precondition(isIn, "a bundle of \(flows.count) packets does not fit")
      }
      writer.seal(key)
      return writer.count
    }
    return Array(buffer[..<count])
  }

  /// A browser's first connectivity check with a fresh token.
  private mutating func check(for transceiver: TransceiverID) -> [UInt8] {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    let contents = TokenContents(
      cluster: 1, transceiver: transceiver,
      mintedMinutes: TokenClock.minutes(unixSeconds: Int64(time.tv_sec)))
    let token = sealer.seal(contents, random: &random)
    var buffer = [UInt8](repeating: 0, count: StunWriter.bytesMax)
    let key = deriver.derive(token).integrityKey
    let id = StunTransactionID(random: &random)
    let count = unsafe buffer.withUnsafeMutableBytes { memory in
      var writer = unsafe StunWriter(into: memory, type: .bindingRequest, transactionID: id)
      let ours = Array(token.text.utf8)
      let theirs = Array("abcd".utf8)
      unsafe writer.append(usernameOf: ours.span.bytes, from: theirs.span.bytes)
      writer.append(priority: 0x6E7F_1EFF)
      writer.append(controllingTieBreaker: 1)
      StunIntegrity.append(to: &writer, key: key)
      writer.appendFingerprint()
      return writer.count
    }
    return Array(buffer[..<count])
  }
}
