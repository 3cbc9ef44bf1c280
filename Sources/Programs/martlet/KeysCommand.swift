import Crypto
import Deployment
import Settings
import Token

/// `martlet keys`: makes the key file that all relays and transceivers of a deployment share.
enum KeysCommand {
  private static let file = Setting<String?>.optional(
    "file", .file, help: "the new file; it must not exist yet")
  private static let command = Command(
    "martlet keys", summary: "makes a key file that only you can read.",
    declarations: [file.declaration])

  /// Returns the exit status.
  static func run(_ arguments: [String]) -> Int32 {
    let settings = command.settings(from: arguments)
    guard let path = settings[file] else {
      return Command.refuse(command.name, "--file is needed")
    }
    var random = SecureRandom()
    do {
      try SecretFile.create(path, text: KeyFile.text(RoutingKeys.generate(random: &random)))
    } catch {
      standardError("martlet keys: \(error)\n")
      return 1
    }
    return 0
  }
}
