import Deployment
package import Settings
import Wire

/// What `martlet up` starts: the command lines of the two programs, worked out from its settings.
/// Pure; what must be found on the machine (a free port, the key file) comes in.
package struct UpPlan: Equatable {
  /// The arguments of martlet-relay.
  package let relay: [String]
  /// The arguments of martlet-transceiver.
  package let transceiver: [String]
  /// Where a browser on this machine finds the page.
  package let url: String

  /// Why the settings do not go together.
  package struct Conflict: Error, Equatable, CustomStringConvertible {
    package let description: String
  }

  /// The number of the only transceiver, and of its cluster.
  private static let node: UInt16 = 1
  private static let cluster = "1"

  /// `trunkPort` and the shards - 1 ports above it are free on the loopback address.
  package init(
    _ settings: ParsedSettings, keyFile: String, trunkPort: UInt16
  ) throws(Conflict) {
    let http = settings[UpSettings.http]
    let shards = settings[UpSettings.shards]
    let trunk = (0..<shards).map { shard in
      TransportAddress(ipv4: 0x7F00_0001, port: trunkPort + UInt16(shard))
    }
    let common = [
      "--cluster", Self.cluster, "--keys", keyFile, "--log", settings[UpSettings.log],
    ]
    transceiver =
      [
        "--http", "\(http)", "--trunk", "\(trunk[0])", "--node", String(Self.node),
        "--shards", String(shards), "--calls", String(settings[UpSettings.calls]),
        "--backend", settings[UpSettings.backend],
      ] + common + HttpAccess.arguments(settings) + ServiceSettings.arguments(settings)
      + OverloadSettings.arguments(settings)
      + (try Self.candidates(settings)).flatMap { ["--candidate", "\($0)"] }
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

  /// What the answers offer: the given candidates, or the media addresses themselves.
  private static func candidates(
    _ settings: ParsedSettings
  ) throws(Conflict) -> [TransportAddress] {
    let given = settings[UpSettings.candidate]
    if !given.isEmpty { return given }
    let media = settings[UpSettings.media]
    guard let wildcard = media.first(where: \.isWildcard) else { return media }
    throw Conflict(
      description: "--media \(wildcard) stands for every address of this machine; "
        + "say with --candidate which of them browsers can reach")
  }

  /// The address to type into a browser of this machine.
  private static func reachable(_ address: TransportAddress) -> TransportAddress {
    guard address.isWildcard else { return address }
    return TransportAddress(ipv4: 0x7F00_0001, port: address.port)
  }
}
