package import Settings

/// The settings of `martlet bench relay`.
package enum BenchSettings {
  static let cases = Setting.list(
    "case", .choice(BenchCase.all.map(\.name)), help: "measure this case only")
  static let against = Setting.value(
    "against", .text("LIST"), default: "c",
    help: "forwarders to compare with, with commas between them: go, c, coturn")
  static let flows = Setting.value(
    "flows", .integer(1...1_000_000), default: "1000", help: "clients that send at the same time")
  static let rounds = Setting.value(
    "rounds", .integer(1...100), default: "3", help: "times that each run is repeated")
  static let seconds = Setting.value(
    "seconds", .integer(1...600), default: "2", help: "how long each run is measured")
  static let sources = Setting.value(
    "sources", .text("DIR"), default: "tools/bench", help: "where the baselines' source code is")

  package static let command = Command(
    "martlet bench relay", summary: "measures martlet-relay side by side with other forwarders.",
    notes: [
      "Each forwarder runs as a process of its own on one CPU, in turns, and is loaded through"
        + " the loopback interface."
    ],
    declarations: [
      cases.declaration, against.declaration, flows.declaration, rounds.declaration,
      seconds.declaration, sources.declaration,
    ])
}
