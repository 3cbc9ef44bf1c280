import Settings

/// The settings of `martlet bench transceiver`.
enum TransceiverBenchSettings {
  static let calls = Setting.list(
    "calls", .integer(1...2_000), default: ["20", "50", "100"],
    help: "how many calls at the same time")
  static let rounds = Setting.value(
    "rounds", .integer(1...100), default: "3", help: "how often each run is repeated")
  static let seconds = Setting.value(
    "seconds", .integer(1...600), default: "5", help: "how long each run is measured")
  static let noPion = Setting.flag("no-pion", help: "leave out the echo server on Pion")
  static let quick = Setting.flag("quick", help: "50 calls, one round, three seconds")
  static let json = Setting.flag("json", help: "print one line of JSON in place of the tables")
  static let sources = BenchSettings.sources

  static let command = Command(
    "martlet bench transceiver", summary: "measures what a call costs martlet-transceiver.",
    notes: [
      "martlet load makes echo calls to a martlet-transceiver behind a martlet-relay. The"
        + " transceiver has one CPU. Its CPU time is that of all of its threads"
        + " (/proc/PID/task/*/schedstat) between two moments at which all calls speak. A frame is"
        + " 20 ms of one call, in and out.",
      "The bare sum is what libopus (decode, encode), libsrtp2 (unprotect, protect) and system"
        + " calls (recvmmsg, sendmmsg, ppoll) take by themselves for as many frames: the"
        + " same packets, the same settings, as many states of calls in turn, as many system calls"
        + " for as many datagrams as the transceiver counted, in this process on the same CPU,"
        + " before and after each run. The waits (ppoll) are in the sum; it also stands"
        + " without them.",
      "The echo server on Pion (tools/bench/pionecho, Go) decodes and encodes with the same libopus"
        + " and settings, and has neither jitter buffer nor clock nor relay. libopus's share, as in"
        + " the bare sum, is taken from both before they are compared. Without Go, Pion and libopus"
        + " (tools/bench/setup gets them) it is left out and said.",
      "Time inside, as the transceiver counts it: in is from the reading of a batch to its packets'"
        + " place in the jitter buffers; out is from the moment at which a frame is due until all"
        + " that its turn of the loop had to say is with the kernel. What a frame waits in the"
        + " jitter buffer and for the 20 ms clock, which any server with a clock makes it wait, is"
        + " not in them.",
      "Memory is what the process has more with all calls than before the first, for each call.",
      "Progress goes to standard error. The exit status is 1 when a run failed.",
    ],
    declarations: [
      calls.declaration, rounds.declaration, seconds.declaration, noPion.declaration,
      quick.declaration, json.declaration, sources.declaration,
    ])
}
