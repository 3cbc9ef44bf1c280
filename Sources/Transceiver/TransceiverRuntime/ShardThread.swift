import Runtime
import Session
import TransceiverCore
import Wire

/// A shard with its socket, its loop and its thread. Other threads post letters to it; everything
/// else is the thread's own.
final class ShardThread: @unchecked Sendable {
  // @unchecked: `shard` is touched by its own thread only, between `start` and `join`; posting and
  // waking are made for any thread.
  let shard: ShardLoop
  let transceiver: TransceiverID
  /// Where the relays reach this shard.
  let trunk: TransportAddress
  private let thread: LoopThread

  /// Bytes of the largest trunk datagram that is taken in: a jumbo frame's.
  private static let receiveBytes: UInt32 = 9_216

  /// Opens the trunk socket and makes the loop; `start` runs it.
  init(shard: ShardLoop, listening address: TransportAddress) throws(LoopFailure) {
    self.shard = shard
    transceiver = shard.shard.transceiver
    thread = try LoopThread(
      owner: shard, socketsMax: 1, restNanoseconds: UInt32(CallSession.gridNanoseconds))
    trunk = try thread.open(address, bytesMax: Self.receiveBytes, sizesItself: true)
    shard.effects.post = { [mailbox = shard.mailbox, thread] letter in
      if mailbox.post(letter) { thread.wake() }
    }
  }

  /// Leaves a letter for the shard. Any thread.
  func post(_ letter: ShardLoop.Letter) {
    if shard.mailbox.post(letter) { thread.wake() }
  }

  func start() { thread.start() }

  /// Asks the shard for a report; gives the question's number. One thread at a time.
  func askForReport() -> UInt64 {
    let question = shard.reports.ask()
    post(.report(question))
    return question
  }

  /// The answer to a question, and whether it came within `seconds`; else the last answer, or
  /// zeros when there was none yet.
  func statistics(answering question: UInt64, seconds: Int) -> (ShardStatistics, isNew: Bool) {
    let answer = shard.reports.wait(for: question, seconds: seconds)
    return (ShardStatistics(answer ?? lastReport, thread.counters), answer != nil)
  }

  /// Asks for a report that nobody waits for, and gives the last one.
  func askAgain() -> ShardStatistics {
    _ = askForReport()
    return ShardStatistics(lastReport, thread.counters)
  }

  private var lastReport: ShardReport {
    shard.reports.last ?? ShardReport(ofNothingBy: transceiver)
  }

  /// What the shard did in all, after `join`.
  func finalStatistics() -> ShardStatistics {
    ShardStatistics(shard.shard.makeReport(), thread.counters)
  }

  /// Waits for the thread's end, which follows a `shutDown` letter.
  func join() { thread.join() }
}
