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
  /// The same in the datagram of a client.
  var stampOffsetUp: Int { Self.stampOffset + (kind == .coturn ? Self.channelHeaderBytes : 0) }
  /// Bytes before each packet on a baseline's trunk: the client's address and port.
  static let baselineHeaderBytes = 8
  /// Packets in the bundles of our transceivers: what one of 1,400 bytes holds.
  static let packetsDown = 7

  private let site: Site
  private let keys: RoutingKeys
  private let kind: Forwarder.Kind
  private let sealer: TokenSealer
  private let deriver: IcePasswordDeriver
  private let minutes: UInt32
  private var random: SeededRandom

  /// Traffic that is meant for a forwarder of `kind`.
  init(_ site: Site, _ kind: Forwarder.Kind, keys: RoutingKeys) {
    self.site = site
    self.kind = kind
    self.keys = keys
    sealer = TokenSealer(keys)
    deriver = IcePasswordDeriver(keys)
    random = SeededRandom(seed: 1)
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    minutes = TokenClock.minutes(unixSeconds: Int64(time.tv_sec))
  }

  /// Bytes of every check.
  var checkBytes: Int {
    mutating get { check(forgedUfrag()).count }
  }

  /// One datagram of each client.
  mutating func fromClients(_ load: BenchCase.Load) -> Traffic {
    fromClients(0..<site.flows, load)
  }

  /// One datagram of each of these clients; those beyond `Site.flows` are strangers.
  mutating func fromClients(_ flows: Range<Int>, _ load: BenchCase.Load) -> Traffic {
    var items: [Traffic.Item] = []
    for flow in flows {
      let bytes =
        switch load {
        case .media where kind == .coturn: Self.onChannel(Self.voicePacket(flow))
        case .media: Self.voicePacket(flow)
        case .checks: check(ufrag(for: site.owner(of: flow)))
        case .forged: check(forgedUfrag())
        case .junk: junk()
        }
      items.append(
        Traffic.Item(bytes: bytes, source: site.client(flow), port: site.listenPort))
    }
    return Traffic(items)
  }

  /// A datagram of each client, made by `bytes`, which is given the port of its transceiver.
  mutating func toServer(_ bytes: (inout TrafficMaker, UInt16) -> [UInt8]) -> Traffic {
    var items: [Traffic.Item] = []
    for flow in 0..<site.flows {
      let message = bytes(&self, site.transceivers[site.owner(of: flow)].port)
      items.append(
        Traffic.Item(bytes: message, source: site.client(flow), port: site.listenPort))
    }
    return Traffic(items)
  }

  /// A STUN message with these attributes.
  mutating func request(
    _ type: StunMessageType, _ attributes: [(type: UInt16, value: [UInt8])]
  ) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: StunWriter.bytesMax)
    let id = StunTransactionID(random: &random)
    let count = unsafe buffer.withUnsafeMutableBytes { memory in
      var writer = unsafe StunWriter(into: memory, type: type, transactionID: id)
      for attribute in attributes {
        unsafe writer.append(attribute: attribute.type, attribute.value.span.bytes)
      }
      return writer.count
    }
    return Array(buffer[..<count])
  }

  /// What each transceiver sends to the forwarder, for each of its own clients in turn: bundles to
  /// a relay of ours, single packets to the others.
  func fromTransceivers() -> [Traffic] {
    site.transceivers.indices.map { transceiver in
      let flows = (0..<site.flows).filter { site.owner(of: $0) == transceiver }
      return kind.isOurs
        ? bundles(flows, from: transceiver) : singles(flows, from: transceiver)
    }
  }

  /// Bundles that hold all of `flows` equally often.
  private func bundles(_ flows: [Int], from transceiver: Int) -> Traffic {
    let packets = min(Self.packetsDown, flows.count)
    let key = TrunkKey(keys.trunk)
    let rounds = flows.count.isMultiple(of: packets) ? 1 : packets
    var items: [Traffic.Item] = []
    for start in stride(from: 0, to: flows.count * rounds, by: packets) {
      let some = (start..<start + packets).map { flows[$0 % flows.count] }
      items.append(toTrunk(bundle(some, from: transceiver, key), transceiver))
    }
    return Traffic(items, packetsEach: packets)
  }

  private func singles(_ flows: [Int], from transceiver: Int) -> Traffic {
    let items = flows.map { flow in
      let client = site.client(flow)
      let address = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: client.ipv4 >> UInt32($0)) }
      let port = [UInt8(client.port >> 8), UInt8(client.port & 0xFF)]
      return toTrunk(address + port + [0, 0] + Self.voicePacket(flow), transceiver)
    }
    return Traffic(items)
  }

  private func toTrunk(_ bytes: [UInt8], _ transceiver: Int) -> Traffic.Item {
    let source = TransportAddress(ipv4: Site.home, port: site.transceivers[transceiver].port)
    return Traffic.Item(bytes: bytes, source: source, port: site.trunkPort)
  }

  /// The shape of an RTP packet. No stamp is in it yet.
  private static func voicePacket(_ flow: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: flow), count: packetBytes)
    bytes[0] = 0x80
    bytes[1] = 111
    for index in stampOffset..<stampOffset + 8 { bytes[index] = 0 }
    return bytes
  }

  /// As long as a voice packet, with a first byte that RFC 7983 gives to nobody.
  private mutating func junk() -> [UInt8] {
    var bytes = (0..<Self.packetBytes).map { _ in UInt8.random(in: 0...255, using: &random) }
    bytes[0] = UInt8.random(in: 192...255, using: &random)
    return bytes
  }

  private func bundle(_ flows: [Int], from transceiver: Int, _ key: TrunkKey?) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 2048)
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

  /// The text that names a transceiver: a sealed token for a relay of ours, for the others
  /// something as long that can be read: T, the number, letters.
  private mutating func ufrag(for transceiver: Int) -> String {
    guard kind.isOurs else {
      let digits = String(transceiver, radix: 16)
      return "T" + String(repeating: "0", count: 2 - digits.count) + digits + letters(20)
    }
    let contents = TokenContents(
      cluster: 1, transceiver: Site.name(ofTransceiver: transceiver), mintedMinutes: minutes)
    return sealer.seal(contents, random: &random).text
  }

  /// A text with the form of a token and the name of a key that exists, so that it has to be opened
  /// to be found out.
  private mutating func forgedUfrag() -> String {
    let ends = Array("AQgw")  // the last letter has four bits that must be zero
    let end = ends[Int.random(in: ends.indices, using: &random)]
    return String(keys.tokens.minting) + letters(21) + String(end)
  }

  private mutating func letters(_ count: Int) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
    return String(
      (0..<count).map { _ in alphabet[Int.random(in: alphabet.indices, using: &random)] })
  }

  /// A browser's first connectivity check, with the password that belongs to `ufrag`.
  private mutating func check(_ ufrag: String) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: StunWriter.bytesMax)
    let ours = Array(ufrag.utf8)
    let theirs = Array("abcd".utf8)
    let key = unsafe deriver.derive(ours.span.bytes, at: 0, length: ours.count).integrityKey
    let id = StunTransactionID(random: &random)
    let count = unsafe buffer.withUnsafeMutableBytes { memory in
      var writer = unsafe StunWriter(into: memory, type: .bindingRequest, transactionID: id)
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
