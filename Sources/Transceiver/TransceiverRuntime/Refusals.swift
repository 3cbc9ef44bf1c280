import CPacketLoop
import Log
import Signalling
import Synchronization
import Wire

/// What the HTTP side refuses: counted by reason, and logged at a bounded rate. Any thread.
final class Refusals: Sendable {
  private let counts = Mutex(RefusalCounts())
  private let log: Log

  init(_ log: Log) { self.log = log }

  /// Counts a response that says no; others are nobody's business here.
  func note(_ response: ApiResponse, to peer: String) {
    guard response.status >= 400 else { return }
    // What the owner of a call refused, it has told its own operator more of.
    note(response.status, response.refusal ?? "by_owner", to: peer)
  }

  func note(_ status: UInt16, _ code: String, to peer: String) {
    let now = Instant(nanoseconds: pl_now())
    let unlogged = counts.withLock { $0.note(RefusalCounts.Reason(status, code), at: now) }
    guard let unlogged else { return }
    log.warning(
      "request-refused",
      [
        "status": .number(Int(status)), "code": .text(code),
        "client": .text(ApiRequest.masked(peer: peer)), "unlogged_before": .number(Int(unlogged)),
      ])
  }

  /// All counts as a JSON object with the same keys; they are of our own making, without quotes.
  var json: String {
    counts.withLock { counts in
      "{" + counts.sorted.map { "\"\($0.reason)\":\($0.count)" }.joined(separator: ",") + "}"
    }
  }

  /// All counts for a log line: `401 invalid_api_key: 3, 404 call_not_found: 1`; "" for none.
  var text: String {
    counts.withLock { counts in
      counts.sorted.map { "\($0.reason): \($0.count)" }.joined(separator: ", ")
    }
  }
}
