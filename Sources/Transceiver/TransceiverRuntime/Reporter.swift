import Log
import Runtime

/// Tells what the shards and the HTTP side have done, when somebody asks and at the end. Used by
/// the main thread alone.
final class Reporter {
  private let shards: [ShardThread]
  private let registry: CallRegistry
  private let refusals: Refusals
  private let file: String?
  private let log: Log
  /// `ShardStatistics.lostUnread` of all shards at the last report.
  private var lostBefore: UInt64 = 0

  /// - Parameter file: gets the figures as JSON with each report.
  init(
    _ shards: [ShardThread], _ registry: CallRegistry, _ refusals: Refusals, file: String?, log: Log
  ) {
    self.shards = shards
    self.registry = registry
    self.refusals = refusals
    self.file = file
    self.log = log
  }

  /// Asks all shards, and says it. Of one that is too busy to answer within a second the last
  /// report stands, with a warning.
  func report() {
    let questions = shards.map { $0.askForReport() }
    var all: [ShardStatistics] = []
    for (shard, question) in zip(shards, questions) {
      let (statistics, isNew) = shard.statistics(answering: question, seconds: 1)
      if !isNew {
        log.warning(
          "a shard does not answer; its last figures stand",
          ["transceiver": .text("\(statistics.transceiver)")])
      }
      all.append(statistics)
    }
    sayCalls("report")
    publish(all, event: "shard-report")
  }

  /// One line of what is not any shard's.
  func sayCalls(_ event: String) {
    log.info(
      event, ["calls": .number(registry.count), "requests_refused": .text(refusals.text)])
  }

  /// The last words of shards whose threads have ended.
  func finish() {
    publish(shards.map { $0.finalStatistics() }, event: "shard-stopped")
  }

  private func publish(_ all: [ShardStatistics], event: String) {
    for statistics in all { log.info(event, statistics.logFields) }
    let lost = all.reduce(0) { $0 &+ $1.lostUnread }
    if lost > lostBefore {
      log.warning(
        "trunk datagrams were lost unread: the shards do not keep up",
        ["since_last_report": .number(Int(lost - lostBefore)), "in_all": .number(Int(lost))])
    }
    lostBefore = lost
    guard let file else { return }
    let shards = all.map(\.json).joined(separator: ",")
    let text =
      "{\"calls\":\(registry.count),\"requests_refused\":\(refusals.json),"
      + "\"shards\":[\(shards)]}\n"
    if let failure = StatisticsFile.write(text, to: file) {
      log.warning("cannot write the counters", ["file": .text(file), "reason": .text(failure)])
    }
  }
}
