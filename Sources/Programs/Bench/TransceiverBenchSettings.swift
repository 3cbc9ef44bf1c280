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
      "The bare sum is that of a server which does nothing but what no server can do without:"
        + " libopus (decode, encode), libsrtp2 (unprotect, protect) and system calls, for as many"
        + " calls, with the same packets and settings, on the same CPU, just before and after each"
        + " run. It has no relay, jitter buffer, clock, ICE or DTLS, knows its clients beforehand,"
        + " and each frame comes and goes as a datagram of its own. Its libsrtp2 is as Debian ships"
        + " it, over NSS. In rounds, it looks at its socket each 20 ms: no voice server can wait"
        + " less often or in greater batches, so this is the form that the target is held against."
        + " As it comes, it waits in ppoll and answers at once, as an echo server without a clock"
        + " does; that costs more, most of it for waking. With the same SRTP, it looks in rounds,"
        + " and its libsrtp2 has libcrypto's ciphers, as the transceiver has: what that one"
        + " takes beyond that is its own. No form depends on what the transceiver does. System us"
        + " is what is left of the bare server's CPU time: recvmmsg, sendmmsg, waiting.",
      "The echo server on Pion (tools/bench/pionecho, Go) decodes and encodes with the same libopus"
        + " and settings, and has neither jitter buffer nor clock nor relay. libopus's share, that"
        + " of the bare server in rounds, is taken from both before they are compared. Without Go,"
        + " Pion and libopus (tools/bench/setup gets them) it is left out and said.",
      "Time inside, as the transceiver counts it: in is to a batch's packets' place in the jitter"
        + " buffers, from the reading before (the longest that they can have waited), or from the"
        + " wake-up when few packets come; out is from the moment at which a frame is due until all"
        + " that its turn of the loop had to say is with the kernel. What a frame waits in the"
        + " jitter buffer and for the 20 ms clock, which any server with a clock makes it wait, is"
        + " not in them.",
      "10 % lost: all calls begin to lose a tenth of what the server sends them at one moment, and"
        + " it protects their voice from then on; it is measured four seconds later. Late frames"
        + " are those that were done more than 10 ms after they were due, of all since the start.",
      "Memory is what the process has more with all calls than before the first, for each call.",
      "Progress goes to standard error. The exit status is 1 when a run failed.",
    ],
    declarations: [
      calls.declaration, rounds.declaration, seconds.declaration, noPion.declaration,
      quick.declaration, json.declaration, sources.declaration,
    ])
}
