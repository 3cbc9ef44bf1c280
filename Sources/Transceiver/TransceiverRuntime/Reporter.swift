import Complaints
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
  private var watch: TransceiverWatch

  /// - Parameter file: gets the figures as JSON with each report.
  init(
    _ shards: [ShardThread], _ registry: CallRegistry, _ refusals: Refusals, file: String?, log: Log
  ) {
    self.shards = shards
    watch = TransceiverWatch(trunks: shards.map(\.trunk))
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
    say(watch.look(at: all, now: MainDuties.now))
    sayCalls("report")
    publish(all, event: "shard-report")
  }

  /// Says what an operator must hear of. Waits for no shard: the figures are those that were asked
  /// for at the last look.
  func look() {
    say(watch.look(at: shards.map { $0.askAgain() }, now: MainDuties.now))
  }

  private func say(_ lines: [ComplaintLine]) {
    for line in lines { log.warning(line.event, line.fields) }
  }

  /// One line of what is not any shard's.
  func sayCalls(_ event: String) {
    log.info(
      event, ["calls": .number(registry.count), "requests_refused": .text(refusals.text)])
  }

  /// The last words of shards whose threads have ended.
  func finish() {
    let all = shards.map { $0.finalStatistics() }
    say(watch.lastWords(of: all, now: MainDuties.now))
    publish(all, event: "shard-stopped")
  }

  private func publish(_ all: [ShardStatistics], event: String) {
    for statistics in all { log.info(event, statistics.logFields) }
    guard let file else { return }
    let shards = all.map(\.json).joined(separator: ",")
    let text =
      "{\"calls\":\(registry.count),\"log_lines_lost\":\(log.linesLost),"
      + "\"requests_refused\":\(refusals.json),\"shards\":[\(shards)]}\n"
    if let failure = OutputFile.write(text, to: file) {
      log.warning("cannot write the counters", ["reason": .text(failure)])
    }
  }
}
