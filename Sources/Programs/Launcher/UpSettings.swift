import Deployment
package import Settings
package import Wire

/// The settings of `martlet up`.
package enum UpSettings {
  /// One that is no loopback address wants API keys or `--no-auth`: see `HttpAccess.conflict`.
  package static let http = Setting.value(
    "http", .httpAddress, default: "127.0.0.1:8080",
    help: "where the page and the HTTP API listen; a port alone is one of 127.0.0.1")
  /// Each is a `--listen` of the relay. Without `candidate` clients are told these, and in place of
  /// a wildcard the machine's own addresses.
  package static let media = Setting.list(
    "media", .address, default: ["127.0.0.1:3478"],
    help: "UDP address that clients send their voice to; 0.0.0.0:PORT for all of this machine")
  /// Given, these are all that clients are told of; no wildcard and no port 0 is taken.
  package static let candidate = Setting.list(
    "candidate", .hostAddress,
    help: "media address as clients see it, when it is another (behind NAT)")
  /// The range is that of `RelayOptions.workersMax`.
  package static let workers = Setting.value(
    "workers", .integer(1...64), default: "1", help: "threads of the relay")
  /// Each takes one of so many UDP ports in a row on 127.0.0.1: see `PortCheck.freeTrunkPort`.
  package static let shards = Setting.value(
    "shards", .integer(1...64), default: "1", help: "threads of the transceiver")
  /// For calls that do not say it. `realtime` and `audiosocket` need `ServiceSettings.url`.
  package static let backend = Setting.value(
    "backend", .choice(["echo", "parrot", "realtime", "audiosocket"]), default: "echo",
    help: "who answers a call")
  /// Over all shards together; more get 503.
  package static let calls = Setting.value(
    "calls", .integer(1...1_000_000), default: "2000", help: "calls at once")
  /// The words are the raw values of the relay's `SteeringMode`, and passed on as they are.
  package static let steering = Setting.value(
    "steering", .choice(["flow", "cpu", "kernel"]), default: "flow",
    help: "how datagrams are spread over the workers")
  /// Of the relay alone: shards run where the scheduler puts them.
  package static let pinCPUs = Setting.flag(
    "pin-cpus", help: "bind each worker of the relay to a CPU of its own")
  /// nil: keys of this run only, in a file without a name (`PassedKeys`).
  package static let keys = Setting<String?>.optional(
    "keys", .file, help: "key file; without it the run makes keys of its own")
  /// For this program and for the two that it starts.
  package static let log = Setting.value(
    "log", .choice(["text", "json"]), default: "text", help: "form of the log lines")

  /// Also takes the settings of voice, overload, service and access, which go to the transceiver.
  package static let command = Command(
    "martlet up", summary: "runs a relay, a transceiver and the page on this machine.",
    notes: [
      "Ctrl-C and SIGTERM stop everything that it started, and so does the end of the terminal that"
        + " it was started from. Without one (a service), or with nohup, SIGHUP is ignored.",
      "On loopback alone (the default) browsers of this machine can call, but no client that uses "
        + "libnice (GStreamer): --media 0.0.0.0:3478 offers the machine's addresses as well.",
    ],
    declarations: [
      http.declaration, media.declaration, candidate.declaration, workers.declaration,
      shards.declaration, calls.declaration, backend.declaration, steering.declaration,
      pinCPUs.declaration, keys.declaration, log.declaration,
    ] + VoiceSettings.declarations + OverloadSettings.declarations + ServiceSettings.declarations
      + HttpAccess.declarations,
    conflict: {
      HttpAccess.conflict($0[http], $0) ?? ServiceSettings.conflict($0, backend: $0[backend])
    })
}
