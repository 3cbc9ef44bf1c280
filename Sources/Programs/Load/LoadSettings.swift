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
  /// Each takes a socket, or one for IPv4 and one for IPv6: a limit of open files below twice as
  /// many and 64 makes the run fail at once.
  package static let calls = Setting.value(
    "calls", .integer(1...10_000), default: "10", help: "how many calls to make")
  /// Counted for each call from its own connection on.
  package static let seconds = Setting.value(
    "seconds", .integer(1...86_400), default: "10", help: "how long each call speaks")
  /// Offers go one after the other: a slow answer delays those behind it, which then follow without
  /// a pause.
  package static let rate = Setting.value(
    "rate", .integer(1...1_000), default: "50", help: "how many calls to begin in a second")
  /// `default` leaves the query out of the URL: then the server's own `--backend` answers.
  package static let backend = Setting.value(
    "backend", .choice(["default", "echo", "parrot", "realtime", "audiosocket"]), default: "echo",
    help: "who shall answer; echo returns the tone, a service may")
  /// The raw values of `CallClientOptions.Setup`, the `a=setup` of the offer (RFC 8842). The server
  /// answers `active` with `passive`, and the others with `active`.
  package static let setup = Setting.value(
    "setup", .choice(["actpass", "active", "passive"]), default: "actpass",
    help: "the DTLS role that the offers name")
  /// The channel is `oai-events`. A call without session.updated is none of the good ones.
  package static let events = Setting.flag(
    "events", help: "open a data channel in each call, and have the session updated")
  static let loss = Setting.value(
    "loss", .integer(0...90), default: "0",
    help: "of the voice that comes, lose so many packets of a hundred")
  /// Read by `ApiKeyFile`: only its owner may be able to read it. nil: no key is sent.
  package static let apiKeys = Setting<String?>.optional(
    "api-keys", .file, help: "the server's file of API keys; the first of them is used")
  /// The keys of the object come in a fixed order.
  package static let json = Setting.flag(
    "json", help: "print one line of JSON and no progress")

  /// Its exit status is 0 when every call was a good one, 2 when the command line cannot be used,
  /// and otherwise 1.
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
