import Backends
import Deployment
import Glibc
import Log
import Settings
import Signalling
import TransceiverRuntime
import Wire

/// The settings of `martlet-transceiver`.
enum TransceiverSettings {
  static let http = Setting.value(
    "http", .address, default: "127.0.0.1:8080", help: "where the page and the HTTP API listen")
  static let trunk = Setting.value(
    "trunk", .address, default: "127.0.0.1:4000",
    help: "address towards the relays; shard n uses the port + n")
  static let node = Setting.value(
    "node", .integer(0...65535), default: "1", help: "number of this transceiver")
  static let shards = Setting.value(
    "shards", .integer(1...64), default: "1", help: "threads; each owns its calls")
  static let candidate = Setting.list(
    "candidate", .address, default: ["127.0.0.1:3478"],
    help: "a relay's public address, put into the answers")
  static let backend = Setting.value(
    "backend", .choice(BackendKind.allCases.filter { !$0.needsService }.map(\.rawValue)),
    default: "echo",
    help: "who answers a call that does not say it")
  static let calls = Setting.value(
    "calls", .integer(1...1_000_000), default: "2000", help: "calls at once")
  static let callsPerCaller = Setting<Int?>.optional(
    "calls-per-caller", .integer(1...1_000_000),
    help: "calls at once of one API key, or of one address where no key is needed")
  static let callsPerSecret = Setting.value(
    "calls-per-secret", .integer(1...1_000_000), default: "16",
    help: "calls at once of one client secret")
  static let iceServer = Setting.list(
    "ice-server", .iceServer, help: "STUN or TURN server that WHIP clients are told of")

  static let command = Command(
    "martlet-transceiver",
    summary: "answers voice calls over WebRTC: the HTTP API, the page, and the calls themselves.",
    declarations: [
      http.declaration, trunk.declaration, node.declaration, shards.declaration,
      candidate.declaration, backend.declaration, calls.declaration, callsPerCaller.declaration,
      callsPerSecret.declaration, iceServer.declaration,
    ] + HttpAccess.declarations + SharedSettings.declarations)

  /// What the runtime is told.
  static func options(_ program: ServerProgram) -> TransceiverOptions {
    let settings = program.settings
    var options = TransceiverOptions(
      http: settings[http], trunk: settings[trunk], node: UInt16(settings[node]),
      cluster: UInt16(settings[SharedSettings.cluster]), shards: settings[shards],
      candidates: settings[candidate],
      backend: BackendKind(rawValue: settings[backend]) ?? .echo, keys: program.keys)
    options.maximumCalls = settings[calls]
    options.callsPerCallerMax = settings[callsPerCaller] ?? .max
    options.callsPerSecretMax = settings[callsPerSecret]
    options.iceServers = settings[iceServer]
    options.access = access(program)
    return options
  }

  /// Ends the process when the API would be open to everybody and nobody said that it shall be.
  private static func access(_ program: ServerProgram) -> Access {
    if let conflict = HttpAccess.conflict(program.settings[http], program.settings) {
      program.log.error("\(conflict)")
      exit(Command.usageStatus)
    }
    guard let file = program.settings[HttpAccess.apiKeys] else { return .open }
    do {
      return .keys(try ApiKeyFile.load(file))
    } catch {
      program.fail(error)
    }
  }
}

extension ValueKind where Value == IceServer {
  /// A URL, for TURN with a user name and a credential. They are given to every client, so they are
  /// no secrets of this machine.
  static var iceServer: ValueKind {
    ValueKind(
      "URL[,USER,CREDENTIAL]",
      expected: "stun:HOST or turn:HOST,USERNAME,CREDENTIAL, in ASCII without blanks or quotes"
    ) { IceServer($0) }
  }
}
