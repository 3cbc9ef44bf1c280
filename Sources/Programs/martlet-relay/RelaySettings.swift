import Deployment
import RelayCore
import RelayRuntime
import Settings
import Token
import Wire

/// The settings of `martlet-relay`.
enum RelaySettings {
  static let listen = Setting.list(
    "listen", .address, default: ["127.0.0.1:3478"],
    help: "UDP address that clients send to; the first one is listener 0")
  static let trunk = Setting.value(
    "trunk", .address, default: "127.0.0.1:0",
    help: "address that transceivers answer to; worker N takes port + N")
  static let transceiver = Setting.list(
    "transceiver", .directoryEntry, help: "a transceiver that may be reached, and where")
  static let workers = Setting.value(
    "workers", .integer(1...RelayOptions.workersMax), default: "1", help: "threads")
  static let relayID = Setting.value(
    "relay-id", .integer(0...65_535), default: "1", help: "number of this relay on the trunk")
  static let steering = Setting.value(
    "steering", .choice(SteeringMode.allCases.map(\.rawValue)), default: "flow",
    help: "how datagrams are spread over the workers")
  static let transmit = Setting.value(
    "transmit", .choice(TransmitMode.allCases.map(\.rawValue)), default: "udp",
    help: "how packets leave for clients: by UDP sockets, or as frames of the relay's own")
  static let pinCPUs = Setting.flag(
    "pin-cpus", help: "bind each worker to a CPU, near the listeners' interfaces")
  static let busyPoll = Setting.value(
    "busy-poll-us", .integer(RelayOptions.busyPollRange), default: "0",
    help: "how long an idle worker polls its network interface before it waits; 0 for not at all")
  static let bundleWait = Setting.value(
    "bundle-wait-us", .integer(RelayOptions.bundleWaitRange), default: "0",
    help: "how long a woken worker waits for more packets before it reads: less CPU, more delay")
  static let explain = Setting.flag(
    "explain", help: "print workers, CPUs, queues, sockets and memory as they would be, and end")
  static let json = Setting.flag("json", help: "with --explain: as JSON")
  static let machineRoot = Setting<String?>.optional(
    "machine-root", .text("FOLDER"),
    help: "with --explain: read /sys and /proc below this folder, a copy of another machine's")
  static let bundleBytes = Setting.value(
    "bundle-bytes", .integer(RelayOptions.bundleBytesRange), default: "1400",
    help: "greatest trunk datagram of several packets; less where the way carries less, 8900 for "
      + "jumbo frames")
  static let routes = Setting.value(
    "routes", .integer(RelayOptions.routesRange), default: "32768",
    help: "routes that each worker keeps")
  static let idleSeconds = Setting.value(
    "idle-seconds", .integer(RelayOptions.idleSecondsRange), default: "60",
    help: "how long a route outlives its transceiver's last packet")
  static let statisticsSeconds = Setting.value(
    "stats-seconds", .integer(0...86_400), default: "0",
    help: "how often the counters are logged; SIGUSR1 asks at any time")
  static let statisticsFile = Setting<String?>.optional(
    "stats", .text("FILE"), help: "file that gets the counters as JSON with each report")

  static let command: Command = Command(
    "martlet-relay", summary: "forwards WebRTC datagrams to the transceivers that own them.",
    notes: [
      "It decrypts nothing. SIGTERM and Ctrl-C stop it; it needs no state to start again. SIGHUP is"
        + " ignored, unless the terminal is gone that it was started from.",
      "--transmit frames halves what sending costs: the relay makes the Ethernet frames itself and"
        + " gives them to the network interface (AF_XDP in copy mode; wants CAP_NET_RAW, listeners"
        + " with one address each, and as many queues as workers). Netfilter's OUTPUT and"
        + " POSTROUTING, connection tracking, NAT, traffic control, IPsec and tcpdump on this"
        + " machine do not see these frames. Where to is the kernel's answer; what is in doubt"
        + " goes by UDP.",
    ],
    declarations: [
      listen.declaration, trunk.declaration, transceiver.declaration, workers.declaration,
      relayID.declaration, steering.declaration, transmit.declaration, pinCPUs.declaration,
      busyPoll.declaration, bundleWait.declaration, bundleBytes.declaration, routes.declaration,
      idleSeconds.declaration, statisticsSeconds.declaration, statisticsFile.declaration,
      explain.declaration, json.declaration, machineRoot.declaration,
    ] + SharedSettings.declarations,
    conflict: Explanation.conflict)

  /// What the runtime is told.
  static func options(_ settings: ParsedSettings, keys: RoutingKeys) -> RelayOptions {
    var options = RelayOptions(
      listeners: settings[listen], trunk: settings[trunk],
      transceivers: settings[transceiver].map {
        TransceiverEntry(id: $0.transceiver, address: $0.address)
      },
      keys: keys)
    options.workers = settings[workers]
    options.relayID = UInt16(settings[relayID])
    options.cluster = UInt16(settings[SharedSettings.cluster])
    options.steering = SteeringMode(rawValue: settings[steering]) ?? .flow
    options.transmit = TransmitMode(rawValue: settings[transmit]) ?? .udp
    options.pinsCPUs = settings[pinCPUs]
    options.bundleBytes = settings[bundleBytes]
    options.routesMax = settings[routes]
    options.idleMilliseconds = UInt64(settings[idleSeconds]) * 1000
    options.statisticsSeconds = settings[statisticsSeconds]
    options.statisticsFile = settings[statisticsFile]
    options.busyPollMicroseconds = settings[busyPoll]
    options.bundleWaitMicroseconds = settings[bundleWait]
    return options
  }
}
