import Json
import Signalling
import Synchronization
import Token
import TransceiverCore

/// The calls of all shards as signalling sees them: which are alive, on which shard, and how they
/// fare. Shared by the HTTP thread and the shards; touched when a call begins or ends and once a
/// second for its figures, never for a packet.
final class CallRegistry: CallDirectory, Sendable {
  private struct Entry {
    var figures: CallFigures
    let caller: Caller
  }

  private struct State {
    var calls: [CallID: Entry] = [:]
    var perShard: [Int]
    /// How many calls each shard may have for its CPU: 0 sends all new ones away.
    var callsMax: [Int]
    /// Living calls of each caller; who has none is not in it.
    var perCaller: [Caller: Int] = [:]
  }

  private let state: Mutex<State>
  private let maximum: Int

  /// - Parameter maximum: calls at once; beyond it no shard takes one.
  init(shards: Int, maximum: Int) {
    self.maximum = maximum
    state = Mutex(
      State(
        perShard: Array(repeating: 0, count: shards),
        callsMax: Array(repeating: .max, count: shards)))
  }

  /// The shard with the fewest calls of those that keep up. One without calls has nothing to keep
  /// up with, whatever its last ones were like.
  func shardForNewCall() -> ShardChoice {
    state.withLock { state in
      guard state.calls.count < maximum else { return .full }
      let open = state.perShard.indices.filter {
        state.perShard[$0] < max(1, state.callsMax[$0])
      }
      let best = open.min { state.perShard[$0] < state.perShard[$1] }
      return best.map { .shard(UInt8($0)) } ?? .overloaded
    }
  }

  /// How many calls a shard may have from now on; 0: it takes no new one while it has any.
  func set(callsMax: Int, shard: UInt8) {
    state.withLock { $0.callsMax[Int(shard)] = callsMax }
  }

  func isAlive(_ call: CallReference) -> Bool {
    state.withLock { $0.calls[call.callID] != nil }
  }

  func figures(of call: CallReference) -> JsonObject? {
    state.withLock { $0.calls[call.callID]?.figures }?.json(call.callID)
  }

  func callCount(of caller: Caller) -> Int {
    state.withLock { $0.perCaller[caller] ?? 0 }
  }

  func begin(_ call: CallReference, _ figures: CallFigures, by caller: Caller) {
    state.withLock { state in
      state.calls[call.callID] = Entry(figures: figures, caller: caller)
      state.perShard[Int(call.shard)] += 1
      state.perCaller[caller, default: 0] += 1
    }
  }

  func update(_ callID: CallID, _ figures: CallFigures) {
    state.withLock { state in
      state.calls[callID]?.figures = figures
    }
  }

  func end(_ call: CallReference) {
    state.withLock { state in
      guard let entry = state.calls.removeValue(forKey: call.callID) else { return }
      state.perShard[Int(call.shard)] -= 1
      let left = (state.perCaller[entry.caller] ?? 1) - 1
      state.perCaller[entry.caller] = left > 0 ? left : nil
    }
  }

  var count: Int { state.withLock { $0.calls.count } }
}
