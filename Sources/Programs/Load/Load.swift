import CPacketLoop
import CallClient
import Crypto
import Deployment
import Dtls
import Glibc
import Json
import Runtime
package import Settings
import Srtp

/// `martlet load`: calls a server many times at once, says a tone in each call and measures what
/// comes back.
package struct Load {
  /// Each of 200 calls has a tone of its own, three times as far from the next as a tone may be off
  /// when it comes back: a voice that comes back in the wrong call is seen.
  private static let tonesHertz = Array(stride(from: 300, to: 2_300, by: 10))

  private let settings: ParsedSettings
  private let seconds: Int

  /// `settings` are those of `LoadSettings.command`: with another command's, reading one traps.
  package init(_ settings: ParsedSettings) {
    self.settings = settings
    seconds = settings[LoadSettings.seconds]
  }

  /// Reads the words after `martlet load` and runs; gives the exit status.
  package static func run(_ arguments: [String]) -> Int32 {
    Load(LoadSettings.command.settings(from: arguments)).run()
  }

  /// Makes the calls, waits for their end and prints the report; gives the exit status.
  package func run() -> Int32 {
    do throws(LoadFailure) {
      let report = LoadReport(try makeCalls(), seconds: seconds)
      standardOutput(settings[LoadSettings.json] ? report.json : report.text)
      return report.isGood ? 0 : 1
    } catch {
      standardError("martlet load: \(error)\n")
      return 1
    }
  }

  private func apiKey() throws(LoadFailure) -> String? {
    guard let file = settings[LoadSettings.apiKeys] else { return nil }
    do {
      return try ApiKeyFile.load(file).first
    } catch {
      throw LoadFailure("\(error)")
    }
  }

  private func makeCalls() throws(LoadFailure) -> [LoadResult] {
    let origin = settings[LoadSettings.url]
    let count = settings[LoadSettings.calls]
    // Each call has a socket, or one for IPv4 and one for IPv6.
    let least = 2 * count + 64
    let need = DescriptorNeed(least: least, all: least, purpose: "\(count) calls")
    if case .tooFew(let sentence) = need.verdict(limit: DescriptorLimit.raise(to: need.all)) {
      throw LoadFailure(sentence)
    }
    do throws(SrtpFailure) { try SrtpLibrary.prepare() } catch {
      throw LoadFailure("cannot start the SRTP library: \(error)")
    }
    let shard = LoadShard(
      callCount: count, seconds: seconds, loss: VoiceLoss(percent: settings[LoadSettings.loss]),
      showsProgress: !settings[LoadSettings.json])
    let thread = try mediaThread(of: shard, socketsMax: 2 * count)
    let caller = try Caller(
      client: HttpClient(origin: origin, apiKey: try apiKey()),
      backend: settings[LoadSettings.backend],
      setup: settings[LoadSettings.setup], hasEvents: settings[LoadSettings.events],
      tonesHertz: Self.tonesHertz.prefix(count))
    thread.start()
    let interval = 1_000_000_000 / UInt64(settings[LoadSettings.rate])
    let start = pl_now()
    for number in 0..<count {
      waitUntil(start + UInt64(number) * interval)
      do throws(LoadFailure) {
        shard.post(try caller.call(number))
      } catch {
        shard.fail(error.description)
      }
      thread.wake()
    }
    thread.join()
    return shard.results
  }

  /// Small batches: each of its many sockets belongs to one call.
  private func mediaThread(
    of shard: LoadShard, socketsMax: Int
  ) throws(LoadFailure) -> LoopThread {
    do throws(LoopFailure) {
      return try LoopThread(owner: shard, socketsMax: socketsMax, batch: 8, queue: 16)
    } catch {
      throw LoadFailure(error.description)
    }
  }

  /// Waits for a moment of CLOCK_MONOTONIC, in nanoseconds.
  private func waitUntil(_ moment: UInt64) {
    var time = timespec(
      tv_sec: Int(moment / 1_000_000_000), tv_nsec: Int(moment % 1_000_000_000))
    while unsafe clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
  }
}

/// Makes calls by the server's HTTP API, one after the other.
private struct Caller {
  private let client: HttpClient
  private let path: String
  private let options: CallClientOptions
  private let identity: DtlsIdentity
  private let tones: [EncodedTone]

  init(
    client: HttpClient, backend: String, setup: String, hasEvents: Bool, tonesHertz: ArraySlice<Int>
  ) throws(LoadFailure) {
    self.client = client
    path = "/v1/realtime/calls" + (backend == "default" ? "" : "?backend=\(backend)")
    var options = CallClientOptions()
    options.setup = CallClientOptions.Setup(rawValue: setup) ?? .actpass
    if hasEvents { options.channels = [CallerChannelOptions(label: "oai-events")] }
    self.options = options
    do {
      identity = try DtlsIdentity.generate()
    } catch {
      throw LoadFailure(error.description)
    }
    tones = tonesHertz.map { EncodedTone(hertz: $0) }
  }

  /// Posts an offer; gives the caller with its answer.
  func call(_ number: Int) throws(LoadFailure) -> LoadShard.AnsweredCall {
    var random = SecureRandom()
    let caller = CallClient(
      tone: tones[number % tones.count], identity: identity, options: options, random: &random)
    let reply: HttpReply
    do {
      reply = try client.post(path, contentType: "application/sdp", body: caller.offer)
    } catch {
      throw LoadFailure(error.description)
    }
    guard reply.status == 201 else {
      throw LoadFailure(reply.refusal)
    }
    return LoadShard.AnsweredCall(client: caller, answer: reply.body)
  }
}

extension HttpReply {
  /// What a server that takes no offer said, with the code of its error when there is one.
  var refusal: String {
    let body = Array(body.utf8)
    let span = unsafe body.span.bytes
    let error = JsonText.members(of: span)?.value("error", in: span)
    let code = error.flatMap { JsonText.members(of: $0, in: span)?.value("code", in: span) }
    let text = code.flatMap { JsonText.text($0, in: span, byteCountMax: 64) }
    return "the server answered \(status)\(text.map { " " + $0 } ?? "") to the offer"
  }
}
