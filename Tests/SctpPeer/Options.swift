/// What the command line says.
struct Options {
  var peerPort: UInt16 = 0
  var starts = false
  var isOdd = false
  var echoes = false
  var lossPercent = 0
  /// So many of the packets, each way, are overtaken by later ones.
  var latePercent = 0
  var seed: UInt64 = 1

  init(_ arguments: [String]) {
    var rest = arguments[...]
    while let name = rest.popFirst() {
      switch name {
      case "--start": starts = true
      case "--odd": isOdd = true
      case "--echo": echoes = true
      case "--to": peerPort = Self.number(rest.popFirst())
      case "--loss": lossPercent = Int(Self.number(rest.popFirst()))
      case "--late": latePercent = Int(Self.number(rest.popFirst()))
      case "--seed": seed = UInt64(Self.number(rest.popFirst()))
      default: fatalError("there is no option \(name)")
      }
    }
  }

  private static func number(_ text: String?) -> UInt16 {
    guard let number = text.flatMap({ UInt16($0) }) else { fatalError("a number is missing") }
    return number
  }
}
