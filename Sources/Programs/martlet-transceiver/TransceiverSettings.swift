import Backends
import Deployment
import Glibc
import Log
import Machine
import ServiceClient
import Settings
import Signalling
import TransceiverRuntime
import Voice
import Wire

/// The settings of `martlet-transceiver`.
enum TransceiverSettings {
  static let http = Setting.value(
    "http", .httpAddress, default: "127.0.0.1:8080",
    help: "where the page and the HTTP API listen; a port alone is one of 127.0.0.1")
  static let trunk = Setting.value(
    "trunk", .address, default: "127.0.0.1:4000",
    help: "address towards the relays; shard n uses the port + n")
  static let node = Setting.value(
    "node", .integer(0...65535), default: "1", help: "number of this transceiver")
  static let shards = Setting.value(
    "shards", .integer(1...64), default: "1", help: "threads; each owns its calls")
  static let candidate = Setting.list(
    "candidate", .hostAddress, default: ["127.0.0.1:3478"],
    help: "a relay's public address, put into the answers")
  static let backend = Setting.value(
    "backend", .choice(BackendKind.allCases.map(\.rawValue)), default: "echo",
    help: "who answers a call that does not say it")
  static let calls = Setting.value(
    "calls", .integer(1...1_000_000), default: "2000", help: "calls at once")
  static let peer = Setting.list(
    "peer", .peer, help: "another transceiver of the cluster, for requests about its calls")
  static let bundleBytes = Setting.value(
    "bundle-bytes", .integer(TransceiverOptions.bundleBytesRange), default: "1400",
    help: "greatest trunk datagram of several packets; less where the way carries less")
  static let statisticsSeconds = Setting.value(
    "stats-seconds", .integer(0...86_400), default: "0",
    help: "how often the figures are logged; SIGUSR1 asks at any time")
  static let statisticsFile = Setting<String?>.optional(
    "stats", .text("FILE"), help: "file that gets the figures as JSON with each report")

  static let command = Command(
    "martlet-transceiver",
    summary: "answers voice calls over WebRTC: the HTTP API, the page, and the calls themselves.",
    notes: [
      "SIGTERM and Ctrl-C end its calls and stop it; it needs no state to start again. SIGHUP is"
        + " ignored, unless the terminal is gone that it was started from."
    ],
    declarations: [
      http.declaration, trunk.declaration, node.declaration, shards.declaration,
      candidate.declaration, backend.declaration, calls.declaration,
      peer.declaration, bundleBytes.declaration, statisticsSeconds.declaration,
      statisticsFile.declaration,
    ] + VoiceSettings.declarations + OverloadSettings.declarations + ServiceSettings.declarations
      + HttpAccess.declarations
      + SharedSettings.declarations,
    conflict: {
      HttpAccess.conflict($0[http], $0) ?? ServiceSettings.conflict($0, backend: $0[backend])
    })

  /// What the runtime is told.
  static func options(_ program: ServerProgram) -> TransceiverOptions {
    let settings = program.settings
    warn(program)
    var options = TransceiverOptions(
      http: settings[http], trunk: settings[trunk], node: UInt16(settings[node]),
      cluster: UInt16(settings[SharedSettings.cluster]), shards: settings[shards],
      candidates: settings[candidate],
      backend: BackendKind(rawValue: settings[backend]) ?? .echo, keys: program.keys)
    options.maximumCalls = settings[calls]
    options.peers = peers(program)
    options.bundleBytes = settings[bundleBytes]
    options.voiceBitsPerSecond = settings[VoiceSettings.bitrate]
    options.statisticsSeconds = settings[statisticsSeconds]
    options.statisticsFile = settings[statisticsFile]
    options.callsPerCallerMax = settings[HttpAccess.callsPerCaller]
    options.admission = OverloadSettings.limits(settings)
    options.callsPerSecretMax = settings[HttpAccess.callsPerSecret] ?? options.callsPerSecretMax
    options.access = access(program)
    options.iceServers = iceServers(program)
    options.service = service(program)
    options.model = settings[ServiceSettings.model] ?? ""
    let rate = Int32(settings[ServiceSettings.rate]) ?? 0
    options.serviceRate = PcmRate(rawValue: rate) ?? .hertz24000
    return options
  }

  /// Says what is allowed and hardly meant.
  private static func warn(_ program: ServerProgram) {
    let settings = program.settings
    let candidates = settings[candidate]
    if let sentence = HttpAccess.silentCallers(http: settings[http], candidates: candidates) {
      program.log.warning(sentence)
    }
    let own = InterfaceAddresses.read()
    let far = candidates.first { candidate in
      var host = candidate
      host.port = 0
      return !candidate.isLoopback && own[host] == nil
    }
    if let far, !settings.isGiven(trunk) {
      program.log.warning(
        "no --trunk is given: only a relay on this machine reaches \(settings[trunk])",
        [
          "candidate": .text("\(far)"),
          "remedy": "give --trunk an address of this machine if the relay runs on another one",
        ])
    }
  }

  /// Ends the process when the list cannot be meant.
  private static func peers(_ program: ServerProgram) -> [UInt16: TransportAddress] {
    let entries = program.settings[peer]
    let own = UInt16(program.settings[node])
    if entries.contains(where: { $0.node == own }) {
      program.log.error("--peer \(own) is this transceiver itself")
      exit(Command.usageStatus)
    }
    let peers = Dictionary(entries.map { ($0.node, $0.address) }) { first, _ in first }
    if peers.count < entries.count {
      program.log.error("--peer names a node twice")
      exit(Command.usageStatus)
    }
    let open = peers.filter { !$0.value.isLoopback }.keys.sorted()
    if !open.isEmpty {
      program.log.warning(
        "events and figures of forwarded requests (no keys) go to other machines unencrypted",
        ["peers": .text(open.map(String.init).joined(separator: ","))])
    }
    return peers
  }

  /// Ends the process when one cannot be read.
  private static func iceServers(_ program: ServerProgram) -> [IceServer] {
    var texts = program.settings[HttpAccess.iceServers]
    guard texts.allSatisfy({ IceServer($0) != nil }) else {
      program.log.error("--ice-server must be stun:HOST or turn:HOST, in ASCII without blanks")
      exit(Command.usageStatus)
    }
    if let file = program.settings[HttpAccess.iceServerFile] {
      do {
        texts += try IceServerFile.load(file) { IceServer($0) != nil }
      } catch {
        program.fail(error)
      }
    }
    return texts.compactMap { IceServer($0) }
  }

  /// Ends the process when the service cannot be what the settings say.
  private static func service(_ program: ServerProgram) -> ServiceOptions? {
    do {
      guard let options = try ServiceOptions.read(program.settings) else {
        return nil
      }
      let isSecure = options.endpoint.scheme == .wss || options.endpoint.isOnThisMachine
      if options.key != nil, !isSecure {
        program.log.warning("the service's key leaves this machine unencrypted: use wss://")
      }
      return options
    } catch {
      program.log.error("\(error)")
      exit(Command.usageStatus)
    }
  }

  /// Ends the process when the keys cannot be read.
  private static func access(_ program: ServerProgram) -> Access {
    guard let file = program.settings[HttpAccess.apiKeys] else {
      let names = LocalNames(program.settings[HttpAccess.names])
      return program.settings[HttpAccess.noAuthentication] ? .open : .local(names)
    }
    do {
      return .keys(try ApiKeyFile.load(file))
    } catch {
      program.fail(error)
    }
  }
}
