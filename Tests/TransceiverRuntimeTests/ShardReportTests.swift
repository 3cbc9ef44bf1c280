import CPacketLoop
import Glibc
import Log
import Runtime
import Session
import Signalling
import Testing
import Token
import TransceiverCore
import Wire

@testable import TransceiverRuntime

/// What of a shard reaches the log, the figures and the registry.
@Suite struct ShardReportTests {
  private static let transceiver = IdleShard.transceiver

  private func callID() -> CallID {
    var random = SeededRandom(seed: 3)
    return CallIDSealer(RoutingKeys.generate(random: &random)).seal(
      TokenContents(cluster: 1, transceiver: Self.transceiver, mintedMinutes: 1), random: &random)
  }

  /// A shard that says so gets no new call while it has one.
  @Test func anOverloadedShardRefusesTheNextCall() {
    let registry = CallRegistry(shards: 1, maximum: 8)
    let effects = ShardEffects(
      Self.transceiver, registry: registry, services: nil, webMail: WebMail {},
      log: Log(program: "test", descriptor: -1))
    let call = CallReference(callID: callID(), shard: 0)
    registry.begin(call, CallFigures(backend: "echo", Self.transceiver), by: .key(1))
    effects.perform(.callsMax(0))
    #expect(registry.shardForNewCall() == .overloaded)
    effects.perform(.callsMax(.max))
    #expect(registry.shardForNewCall() == .shard(0))
    effects.perform(.callsMax(0))
    effects.perform(.callEnded(call))
    #expect(registry.shardForNewCall() == .shard(0), "one without calls keeps up")
  }

  /// The HTTP request is answered once, when the shard says what became of its call.
  @Test(arguments: [true, false])
  func aRequestIsAnsweredWhenItsCallHasBegunOrNot(hasBegun: Bool) {
    let mail = WebMail {}
    let effects = ShardEffects(
      Self.transceiver, registry: CallRegistry(shards: 1, maximum: 8), services: nil,
      webMail: mail, log: Log(program: "test", descriptor: -1))
    effects.expect(callID(), request: 7)
    #expect(mail.collect().isEmpty)
    let event: CallEvent = hasBegun ? .begun(backend: "echo") : .notBegun("no free slot")
    for _ in 0..<2 { effects.perform(.event(callID(), event)) }
    let answers = mail.collect().map { letter in
      if case .begun(7, let hasBegun) = letter { hasBegun } else { Bool?.none }
    }
    #expect(answers == [hasBegun])
  }

  /// A call of which nothing was ever seen says so.
  @Test func aCallThatNeverConnectedSaysWhatWasSeen() throws {
    var ends: [Int32] = [0, 0]
    try #require(unsafe pipe(&ends) == 0)
    let log = Log(program: "test", descriptor: ends[1])
    var figures = SessionFigures()
    figures.setUp = .noCheck
    log.write(
      .ended(.neverConnected, afterMilliseconds: 30_000, figures), of: callID(),
      on: Self.transceiver)
    // Waits a second each time, and the log's thread may be later.
    #expect((0..<60).contains { _ in log.flush() })
    log.end()
    close(ends[1])
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = unsafe read(ends[0], &bytes, bytes.count)
    close(ends[0])
    let end = String(decoding: bytes[..<max(count, 0)], as: UTF8.self)
    #expect(end.contains("call-ended"))
    #expect(end.contains(" reason=never-connected detail=\"no check of the client came: "))
    #expect(end.contains(" set_up=no-check "))
  }

  @Test func theLogLineAndTheJsonTellTheSame() {
    var loop = pl_counters()
    loop.received = 7
    loop.dropped_by_kernel = 3
    let statistics = ShardStatistics(IdleShard.make().makeReport(), loop)
    #expect(statistics.lostUnread == 3)
    #expect(statistics.json.contains("\"lost_unread\":3"))
    #expect(statistics.json.hasPrefix("{\"transceiver\":\"1.0\",\"calls\":0,"))
    for field in statistics.logFields { #expect(statistics.json.contains("\"\(field.key)\":")) }
  }
}
