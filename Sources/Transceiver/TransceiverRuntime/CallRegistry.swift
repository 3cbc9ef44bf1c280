import Signalling
import Synchronization
import Token

/// The calls of all shards as signalling sees them: which are alive, on which shard, and how they
/// fare. Shared by the HTTP thread and the shards; touched when a call begins or ends and once a
/// second for its figures, never for a packet.
final class CallRegistry: CallDirectory, Sendable {
  private struct State {
    var calls: [CallID: CallFigures] = [:]
    var perShard: [Int]
  }

  private let state: Mutex<State>
  private let maximum: Int

  /// - Parameter maximum: calls at once; beyond it `shardForNewCall` has no answer.
  init(shards: Int, maximum: Int) {
    self.maximum = maximum
    state = Mutex(State(perShard: Array(repeating: 0, count: shards)))
  }

  /// The shard with the fewest calls.
  func shardForNewCall() -> UInt8? {
    state.withLock { state in
      guard state.calls.count < maximum else { return nil }
      return state.perShard.indices.min { state.perShard[$0] < state.perShard[$1] }
        .map { UInt8($0) }
    }
  }

  func isAlive(_ call: CallReference) -> Bool {
    state.withLock { $0.calls[call.callID] != nil }
  }

  func figures(of call: CallReference) -> CallFigures? {
    state.withLock { $0.calls[call.callID] }
  }

  func begin(_ call: CallReference, _ figures: CallFigures) {
    state.withLock { state in
      state.calls[call.callID] = figures
      state.perShard[Int(call.shard)] += 1
    }
  }

  func update(_ callID: CallID, _ figures: CallFigures) {
    state.withLock { state in
      if state.calls[callID] != nil { state.calls[callID] = figures }
    }
  }

  func end(_ call: CallReference) {
    state.withLock { state in
      guard state.calls.removeValue(forKey: call.callID) != nil else { return }
      state.perShard[Int(call.shard)] -= 1
    }
  }

  var count: Int { state.withLock { $0.calls.count } }
}
