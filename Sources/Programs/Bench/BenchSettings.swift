import Settings

/// The settings of `martlet bench relay`.
enum BenchSettings {
  static let cases = Setting.list(
    "case", .choice(BenchCase.all.map(\.name) + Plan.Extra.allCases.map(\.rawValue)),
    help: "measure this only")
  static let against = Setting.value(
    "against", .forwarders, default: "go,c,coturn",
    help: "what to compare with, of go, c and coturn, with commas between them; or none")
  static let flows = Setting.value(
    "flows", .integer(1...1_000_000), default: "1000", help: "clients that send at the same time")
  static let rounds = Setting.value(
    "rounds", .integer(1...100), default: "5", help: "how often each run is repeated")
  static let seconds = Setting.value(
    "seconds", .integer(1...600), default: "2", help: "how long each run is measured")
  static let quick = Setting.flag(
    "quick", help: "everything in under three minutes: shorter and fewer runs")
  static let json = Setting.flag("json", help: "print one line of JSON in place of the tables")
  static let plot = Setting<String?>.optional(
    "plot", .text("FILE.svg"), help: "draw the ratios and the latencies with gnuplot")
  static let sources = Setting<String?>.optional(
    "sources", .text("DIR"),
    help: "where the baselines' source code is; default tools/bench of the project")

  static let command = Command(
    "martlet bench relay", summary: "measures martlet-relay side by side with other forwarders.",
    notes: [
      "Each forwarder runs as a process of its own on one CPU; they take turns, and are loaded"
        + " through the loopback interface with packets of 180 bytes. CPU time is that of all"
        + " threads of the forwarder (/proc/PID/task/*/schedstat), per packet that came out. What"
        + " the kernel does with a packet before it lies in the forwarder's socket (the relay's"
        + " steering included) runs on the sender's account and is in nobody's figure.",
      "Cases: up-1400-t1, -t4, -t16: clients to 1, 4 and 16 transceivers, bundles of 1,400 bytes;"
        + " up-8900-t1: bundles of 8,900; down: transceivers to clients; mixed: both ways, as much"
        + " down as up; first-packets: valid first checks; forged: checks with forged tokens; junk:"
        + " what no client sends; latency: at 10, 50 and 80 % of each forwarder's saturation;"
        + " calls: 1,000 running calls in a flood of forged tokens; memory: of the relay's routes."
        + " Without --case: all of them, and up-1400-t1 with 10,000 and 100,000 clients.",
      "martlet-frames, in the case down, is the same relay with --transmit frames; its ratios have"
        + " columns of their own.",
      "Latencies are from the client's sending to the arrival at the transceiver, the whole way,"
        + " and those of the middle one of many slices of 50 ms: what a busy host takes away from a"
        + " virtual machine spoils a few slices only. The whole run's p99 stands in the JSON.",
      "Baselines: c, a forwarder of recvmmsg and sendmmsg that parses nothing (needs cc); go, a"
        + " relay with one system call for each packet (needs go: tools/bench/setup gets one);"
        + " coturn's turnserver, up only. What is missing is left out and said.",
      "Progress goes to standard error. The exit status is 1 when a forwarder failed.",
    ],
    declarations: [
      cases.declaration, against.declaration, flows.declaration, rounds.declaration,
      seconds.declaration, quick.declaration, json.declaration, plot.declaration,
      sources.declaration,
    ])
}

extension ValueKind where Value == [Forwarder.Kind] {
  /// Baselines, with commas between them; `none` for none.
  static var forwarders: ValueKind {
    ValueKind("LIST", expected: "some of go, c and coturn with commas between them, or none") {
      text in
      if text == "none" { return [] }
      let words = text.split(separator: ",", omittingEmptySubsequences: false)
      let kinds = words.compactMap { Forwarder.Kind(rawValue: String($0)) }
      let isGood = kinds.count == words.count && !kinds.contains(where: \.isOurs)
      return isGood && Set(kinds).count == kinds.count ? kinds : nil
    }
  }
}
