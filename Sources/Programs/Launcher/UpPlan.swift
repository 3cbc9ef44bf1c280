import Deployment
package import Settings
package import Wire

/// What `martlet up` starts: the command lines of the two programs, worked out from its settings.
/// Pure; what must be found on the machine (a free port, the key file) comes in.
package struct UpPlan: Equatable {
  /// The arguments of martlet-relay.
  package let relay: [String]
  /// The arguments of martlet-transceiver.
  package let transceiver: [String]
  /// Where a browser on this machine finds the page.
  package let url: String
  /// Where clients are told to send their voice, best first.
  package let candidates: [TransportAddress]
  /// Who can reach them, in a few words.
  package var reach: String {
    candidates.allSatisfy(\.isLoopback)
      ? "this machine alone, and no libnice or GStreamer: see --media" : "whoever reaches these"
  }

  /// The number of the only transceiver, and of its cluster.
  private static let node: UInt16 = 1
  private static let cluster = "1"

  /// `trunkPort` and the shards - 1 ports above it are free on the loopback address; `machine` has
  /// the addresses of this machine's interfaces.
  package init(
    _ settings: ParsedSettings, keyFile: String, trunkPort: UInt16, machine: [TransportAddress]
  ) {
    let http = settings[UpSettings.http]
    let shards = settings[UpSettings.shards]
    let trunk = (0..<shards).map { shard in
      TransportAddress(ipv4: 0x7F00_0001, port: trunkPort + UInt16(shard))
    }
    let common = [
      "--cluster", Self.cluster, "--keys", keyFile, "--log", settings[UpSettings.log],
    ]
    candidates = Self.candidates(settings, of: machine)
    transceiver =
      [
        "--http", "\(http)", "--trunk", "\(trunk[0])", "--node", String(Self.node),
        "--shards", String(shards), "--calls", String(settings[UpSettings.calls]),
        "--backend", settings[UpSettings.backend],
      ] + common + HttpAccess.arguments(settings) + ServiceSettings.arguments(settings)
      + VoiceSettings.arguments(settings) + OverloadSettings.arguments(settings)
      + candidates.flatMap { ["--candidate", "\($0)"] }
    relay =
      [
        "--trunk", "127.0.0.1:0", "--workers", String(settings[UpSettings.workers]),
        "--steering", settings[UpSettings.steering],
      ] + common + (settings[UpSettings.pinCPUs] ? ["--pin-cpus"] : [])
      + settings[UpSettings.media].flatMap { ["--listen", "\($0)"] }
      + Self.directory(trunk).flatMap { ["--transceiver", $0.text] }
    url = "http://\(Self.reachable(http))"
  }

  private static func directory(_ trunk: [TransportAddress]) -> [DirectoryEntry] {
    trunk.enumerated().map { shard, address in
      DirectoryEntry(
        transceiver: TransceiverID(node: node, shard: UInt8(shard)), address: address)
    }
  }

  /// What the answers offer: the given candidates, or the media addresses themselves. A wildcard
  /// stands for the machine's own addresses and, behind them, for the loopback address, which no
  /// client that uses libnice ever calls.
  private static func candidates(
    _ settings: ParsedSettings, of machine: [TransportAddress]
  ) -> [TransportAddress] {
    let given = settings[UpSettings.candidate]
    if !given.isEmpty { return given }
    var candidates: [TransportAddress] = []
    for media in settings[UpSettings.media] {
      for address in media.isWildcard ? addresses(like: media, of: machine) : [media]
      where !candidates.contains(address) {
        candidates.append(address)
      }
    }
    return candidates
  }

  /// The addresses of the machine that a socket on `wildcard` receives by, the first few: `[::]`
  /// takes IPv4 too.
  private static func addresses(
    like wildcard: TransportAddress, of machine: [TransportAddress]
  ) -> [TransportAddress] {
    let own = machine.filter { address in
      !(wildcard.isIPv4 && !address.isIPv4) && !address.isLoopback && !address.isLinkLocal
    }
    var loopback = [TransportAddress(ipv4: 0x7F00_0001, port: 0)]
    if !wildcard.isIPv4 { loopback.append(TransportAddress(high: 0, low: 1, port: 0)) }
    let best = own.sorted { ($0.high, $0.low) < ($1.high, $1.low) }.prefix(candidatesMax)
    return (best + loopback)
      .map { TransportAddress(high: $0.high, low: $0.low, port: wildcard.port) }
  }

  /// A machine with many bridges has many addresses, and clients try every candidate.
  private static let candidatesMax = 8

  /// The address to type into a browser of this machine.
  private static func reachable(_ address: TransportAddress) -> TransportAddress {
    guard address.isWildcard else { return address }
    return TransportAddress(ipv4: 0x7F00_0001, port: address.port)
  }
}

extension TransportAddress {
  /// Means something on one link only (RFC 3927, RFC 4291, section 2.5.6).
  fileprivate var isLinkLocal: Bool { isIPv4 ? ipv4 >> 16 == 0xA9FE : high >> 54 == 0x3FA }
}
