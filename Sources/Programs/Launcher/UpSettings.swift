import Deployment
package import Settings
package import Wire

/// The settings of `martlet up`.
package enum UpSettings {
  package static let http = Setting.value(
    "http", .httpAddress, default: "127.0.0.1:8080",
    help: "where the page and the HTTP API listen; a port alone is one of 127.0.0.1")
  package static let media = Setting.list(
    "media", .address, default: ["127.0.0.1:3478"],
    help: "UDP address that clients send their voice to; 0.0.0.0:PORT for all of this machine")
  package static let candidate = Setting.list(
    "candidate", .hostAddress,
    help: "media address as clients see it, when it is another (behind NAT)")
  package static let workers = Setting.value(
    "workers", .integer(1...64), default: "1", help: "threads of the relay")
  package static let shards = Setting.value(
    "shards", .integer(1...64), default: "1", help: "threads of the transceiver")
  package static let backend = Setting.value(
    "backend", .choice(["echo", "parrot", "realtime", "audiosocket"]), default: "echo",
    help: "who answers a call")
  package static let calls = Setting.value(
    "calls", .integer(1...1_000_000), default: "2000", help: "calls at once")
  package static let steering = Setting.value(
    "steering", .choice(["flow", "cpu", "kernel"]), default: "flow",
    help: "how datagrams are spread over the workers")
  package static let pinCPUs = Setting.flag(
    "pin-cpus", help: "bind each worker of the relay to a CPU of its own")
  package static let keys = Setting<String?>.optional(
    "keys", .file, help: "key file; without it the run makes keys of its own")
  package static let log = Setting.value(
    "log", .choice(["text", "json"]), default: "text", help: "form of the log lines")

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
