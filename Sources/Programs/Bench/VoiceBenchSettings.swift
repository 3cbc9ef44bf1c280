import Settings

/// The settings of `martlet bench voice`; `tools/bench/voice/options.py` takes the same words.
enum VoiceBenchSettings {
  static let networkNames = [
    "clean", "jitter20", "jitter100", "spikes300", "reorder3", "loss1", "loss5", "loss10", "loss20",
    "bursts5", "cap40", "wifi",
  ]
  static let serverNames = ["martlet", "martlet-audiosocket", "aiortc", "gstreamer"]
  static let clientNames = ["plain", "nack", "red", "red+nack", "follow"]

  static let networks = Setting<String?>.optional(
    "networks", .names(of: networkNames), help: "what happens to the packets; default all")
  static let servers = Setting<String?>.optional(
    "servers", .names(of: serverNames), help: "who is called; default all")
  static let clients = Setting<String?>.optional(
    "clients", .names(of: clientNames),
    help: "manners of the page that calls; default plain, which is an unmodified client")
  static let directions = Setting<String?>.optional(
    "directions", .names(of: ["up", "down"]), help: "which are scored; default both")
  static let seeds = Setting<Int?>.optional(
    "seeds", .integer(1...100), help: "runs of each network, each with other losses; default 3")
  static let seconds = Setting<Int?>.optional(
    "seconds", .integer(5...600), help: "how long is spoken; default all sentences, 67")
  static let callsAtOnce = Setting<Int?>.optional(
    "calls-at-once", .integer(1...16), help: "calls over the same losses at a time; default 4")
  static let quick = Setting.flag(
    "quick", help: "clean, loss5 and spikes300; 20 s, one seed; without AudioSocket")
  static let wer = Setting.flag("wer", help: "also the word error rate (takes longer)")
  static let json = Setting.flag("json", help: "print one line of JSON in place of the tables")
  static let plot = Setting<String?>.optional(
    "plot", .text("FILE.svg"), help: "draw PESQ and delays with gnuplot")
  static let listen = Setting<String?>.optional(
    "listen", .text("DIR"), help: "write what was said and heard as WAV files")
  static let keep = Setting<String?>.optional(
    "keep", .text("DIR"), help: "leave every file of the runs there")
  static let sources = BenchSettings.sources

  static let command = Command(
    "martlet bench voice", summary: "measures how calls sound on bad networks.",
    notes: [
      "A page in headless Chromium calls each server at the same time. The calls go through a way"
        + " of 20 ms in each direction that is bad in the same manner for all of them: what is lost"
        + " and what is late is drawn from the seed for each 20 ms of sound, and begins after the"
        + " set-up. Up is from the page to the AI service, down the other way; both ends speak"
        + " the same 15 sentences (espeak-ng, flite, a LibriVox reader).",
      "Networks: clean; jitter20, jitter100: each packet up to so many ms later, in order;"
        + " spikes300: each 5 s nothing for 300 ms; reorder3: 3 % come 30 to 60 ms late; loss1 to"
        + " loss20: percent, independent; bursts5: 5 % in bursts of 3 to 8; cap40: 40 kbit/s with"
        + " headers, a queue of 600 ms; wifi: short bursts, jitter and pauses.",
      "Servers: martlet and martlet-audiosocket are the real relay and transceiver with a service"
        + " of the bench behind them (Realtime events; AudioSocket); aiortc and gstreamer are plain"
        + " bots as most are written. Clients other than plain are for Martlet: nack asks for"
        + " resends, red puts RED first, follow adapts what it sends.",
      "PESQ-WB is the mean of the sentences and over the seeds, with one standard error; STOI is"
        + " taken with the sound put beside the original each 0.1 s. Delay is from the saying of a"
        + " sound to its coming out, by cross-correlation. Cut is sound that is missing, made up is"
        + " sound that nobody said, inserted is what makes a sentence longer (ms). kbit/s is that"
        + " of RTP on the wire with all headers; us/frame is the transceiver's CPU time for 20 ms"
        + " of a call. Targets are those of the project; met is the mean plus one standard error.",
      "Where the machine was more than 20 ms late, 0.4 s of sound are thrown away and counted."
        + " There is no real-time priority; keep the machine quiet.",
      "Needs root (a network namespace of its own) and what tools/bench/setup voice installs, which"
        + " the first run does by itself. Progress goes to standard error. The exit status is 1"
        + " when a call failed.",
    ],
    declarations: [
      networks.declaration, servers.declaration, clients.declaration, directions.declaration,
      seeds.declaration, seconds.declaration, callsAtOnce.declaration, quick.declaration,
      wer.declaration, json.declaration, plot.declaration, listen.declaration, keep.declaration,
      sources.declaration,
    ])
}

extension ValueKind where Value == String {
  /// Some of the given names, with commas between them, none twice.
  static func names(of known: [String]) -> ValueKind {
    ValueKind("LIST", expected: "some of \(known.joined(separator: ", ")) with commas between") {
      text in
      let names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      guard names.allSatisfy(known.contains), Set(names).count == names.count else { return nil }
      return text
    }
  }
}
