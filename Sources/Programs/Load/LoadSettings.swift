package import Settings

extension ValueKind where Value == HttpOrigin {
  static var origin: ValueKind {
    ValueKind(
      "URL",
      expected:
        "a URL like http://127.0.0.1:8080, or a port of 127.0.0.1 (https is not spoken here)"
    ) { HttpOrigin(url: $0) }
  }
}

/// The settings of `martlet load`.
package enum LoadSettings {
  static let url = Setting.value(
    "url", .origin, default: "http://127.0.0.1:8080", help: "the server's HTTP address")
  package static let calls = Setting.value(
    "calls", .integer(1...10_000), default: "10", help: "how many calls to make")
  package static let seconds = Setting.value(
    "seconds", .integer(1...86_400), default: "10", help: "how long each call speaks")
  package static let rate = Setting.value(
    "rate", .integer(1...1_000), default: "50", help: "how many calls to begin in a second")
  package static let backend = Setting.value(
    "backend", .choice(["default", "echo", "parrot", "realtime", "audiosocket"]), default: "echo",
    help: "who shall answer; echo returns the tone, a service may")
  package static let setup = Setting.value(
    "setup", .choice(["actpass", "active", "passive"]), default: "actpass",
    help: "the DTLS role that the offers name")
  package static let events = Setting.flag(
    "events", help: "open a data channel in each call, and have the session updated")
  static let loss = Setting.value(
    "loss", .integer(0...90), default: "0",
    help: "of the voice that comes, lose so many packets of a hundred")
  package static let apiKeys = Setting<String?>.optional(
    "api-keys", .file, help: "the server's file of API keys; the first of them is used")
  package static let json = Setting.flag(
    "json", help: "print one line of JSON and no progress")

  package static let command = Command(
    "martlet load", summary: "makes many calls at once and checks that every voice comes back.",
    notes: [
      "Each of 200 calls says a tone of its own and measures what returns. Exits with 1 when a"
        + " call did not connect, its tone did not come back, or its session was not updated.",
      "Loss is what was sent minus what is known to have come: to the server by its RTCP reports,"
        + " from it by its sequence numbers and its own count, and there and back. A call that has"
        + " said its tone waits for what still flies and for the server's last report, 2.5 s at"
        + " most; a packet that no report tells of counts as lost.",
      "With --loss all calls lose from the same moment on, three seconds after the last one has"
        + " begun; what is lost so is told to the server like any loss. Then three tenths of the"
        + " time are enough for the tone.",
      "Without --api-keys a server counts its calls by their address, and bounds each address but"
        + " loopback ones to half of its --calls (--calls-per-caller): more get 429.",
    ],
    declarations: [
      url.declaration, calls.declaration, seconds.declaration, rate.declaration,
      backend.declaration, setup.declaration, events.declaration, loss.declaration,
      apiKeys.declaration, json.declaration,
    ])
}
