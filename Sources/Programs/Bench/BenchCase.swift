/// One thing that is measured.
struct BenchCase: Equatable, Sendable {
  enum Direction: Equatable, Sendable { case up, down, both }

  /// Its name in tables and files.
  let name: String
  var direction = Direction.up
  var transceivers = 1
  /// The relay's setting; the baselines have no bundles.
  var bundleBytes = 1400

  /// All of them, in the order of the report.
  static let all: [BenchCase] = [
    BenchCase(name: "up-1400-t1"),
    BenchCase(name: "up-1400-t4", transceivers: 4),
    BenchCase(name: "up-1400-t16", transceivers: 16),
    BenchCase(name: "up-8900-t1", bundleBytes: 8900),
    BenchCase(name: "down", direction: .down),
    BenchCase(name: "mixed", direction: .both),
  ]
}
