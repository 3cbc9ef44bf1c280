import CPacketLoop
import Wire

/// What a packet loop calls: the two C functions that lead to a `WorkerState`.
///
/// They are called by the loop's thread with the pointer that the loop was made with, which stays
/// valid until the loop has been destroyed.
enum LoopHandlers {
  static func make(for state: UnsafeMutablePointer<WorkerState>) -> pl_handlers {
    var handlers = unsafe pl_handlers()
    unsafe handlers.context = UnsafeMutableRawPointer(state)
    unsafe handlers.on_batch = { context, loop, batch, count, now in
      guard let context = unsafe context, let loop = unsafe loop, let batch = unsafe batch else {
        return
      }
      let datagrams = unsafe UnsafeBufferPointer(start: batch, count: Int(count))
      unsafe context.assumingMemoryBound(to: WorkerState.self).pointee.take(
        datagrams, loop: loop, at: Instant(nanoseconds: now))
    }
    unsafe handlers.on_turn = { context, _, now in
      guard let context = unsafe context else { return .max }
      return unsafe context.assumingMemoryBound(to: WorkerState.self).pointee.turn(
        at: Instant(nanoseconds: now)
      ).nanoseconds
    }
    return unsafe handlers
  }
}
