/// One thing that is measured.
struct BenchCase: Equatable, Sendable {
  enum Direction: Equatable, Sendable { case up, down, both }

  /// What clients send.
  enum Load: Equatable, Sendable {
    /// Voice of known clients.
    case media
    /// First checks of clients that nobody has answered yet, all of them valid.
    case checks
    /// Checks with tokens that nobody has sealed.
    case forged
    /// What no client of WebRTC sends.
    case junk
  }

  /// Its name in tables and files.
  let name: String
  var direction = Direction.up
  var load = Load.media
  var transceivers = 1
  /// The relay's setting; the baselines have no bundles.
  var bundleBytes = 1400

  /// Whether a forwarder that looks at packets lets none of them through.
  var isFlood: Bool { load == .forged || load == .junk }

  /// All of them, in the order of the report.
  static let all: [BenchCase] = [
    BenchCase(name: "up-1400-t1"),
    BenchCase(name: "up-1400-t4", transceivers: 4),
    BenchCase(name: "up-1400-t16", transceivers: 16),
    BenchCase(name: "up-8900-t1", bundleBytes: 8900),
    BenchCase(name: "down", direction: .down),
    BenchCase(name: "mixed", direction: .both),
    BenchCase(name: "first-packets", load: .checks),
    BenchCase(name: "forged", load: .forged),
    BenchCase(name: "junk", load: .junk),
  ]
}
