import Crypto
import Deployment
import Glibc
import Settings
import Token
import Wire

/// `martlet token seal` and `martlet token open`: routing tokens by hand, for finding out where a
/// call goes and for testing a deployment's keys.
enum TokenCommand {
  private static let keys = Setting<String?>.optional("keys", .file, help: "key file (needed)")
  private static let cluster = Setting.value(
    "cluster", .integer(0...65535), default: "1", help: "number of the cluster")
  private static let node = Setting.value(
    "node", .integer(0...65535), default: "1", help: "number of the transceiver")
  private static let shard = Setting.value(
    "shard", .integer(0...255), default: "0", help: "shard of the transceiver")
  private static let age = Setting.value(
    "age-minutes", .integer(0...1_000_000), default: "0", help: "mint it as many minutes ago")

  private static let seal = Command(
    "martlet token seal", summary: "makes a routing token, as a transceiver puts it in an answer.",
    declarations: [
      keys.declaration, cluster.declaration, node.declaration, shard.declaration, age.declaration,
    ])
  private static let open = Command(
    "martlet token open", summary: "says what is in routing tokens.", operands: "TOKEN...",
    notes: ["Exits with 1 when a token is not valid."], declarations: [keys.declaration])

  /// Returns the exit status.
  static func run(_ arguments: [String]) -> Int32 {
    let rest = Array(arguments.dropFirst())
    switch arguments.first {
    case "seal": return run(seal, rest, sealToken)
    case "open": return run(open, rest, openTokens)
    case "--help", "-h":
      standardOutput(seal.helpText + "\n" + open.helpText)
      return 0
    default:
      return Command.refuse("martlet token", "say \"seal\" or \"open\"")
    }
  }

  private static func run(
    _ command: Command, _ arguments: [String], _ body: (ParsedSettings, RoutingKeys) -> Int32
  ) -> Int32 {
    let settings = command.settings(from: arguments)
    guard let file = settings[keys] else {
      return Command.refuse(command.name, "--keys is needed")
    }
    if command.name == open.name, settings.operands.isEmpty {
      return Command.refuse(command.name, "name a token, or several")
    }
    do {
      return body(settings, try KeyFile.load(file))
    } catch {
      standardError("\(command.name): \(error)\n")
      return 1
    }
  }

  private static func sealToken(_ settings: ParsedSettings, _ keys: RoutingKeys) -> Int32 {
    let now = nowMinutes()
    let contents = TokenContents(
      cluster: UInt16(settings[cluster]),
      transceiver: TransceiverID(node: UInt16(settings[node]), shard: UInt8(settings[shard])),
      mintedMinutes: now - min(now, UInt32(settings[age])), nonce: 0)
    var random = SecureRandom()
    standardOutput("\(TokenSealer(keys).seal(contents, random: &random))\n")
    return 0
  }

  private static func openTokens(_ settings: ParsedSettings, _ keys: RoutingKeys) -> Int32 {
    let opener = TokenOpener(keys)
    var status: Int32 = 0
    for text in settings.operands {
      let verdict = opener.verdict(text, nowMinutes: nowMinutes())
      if case .valid(let contents) = verdict {
        let age = nowMinutes() - min(nowMinutes(), contents.mintedMinutes)
        standardOutput(
          "\(text): cluster \(contents.cluster), transceiver \(contents.transceiver), "
            + "minted \(age) min ago\n")
      } else {
        standardOutput("\(text): \(verdict)\n")
        status = 1
      }
    }
    return status
  }

  private static func nowMinutes() -> UInt32 {
    TokenClock.minutes(unixSeconds: Int64(time(nil)))
  }
}

extension TokenOpener {
  /// What a token that somebody typed is worth; of any length.
  fileprivate borrowing func verdict(_ text: String, nowMinutes: UInt32) -> TokenVerdict {
    let bytes = Array(text.utf8)
    return unsafe open(bytes.span.bytes, at: 0, length: bytes.count, nowMinutes: nowMinutes)
  }
}
