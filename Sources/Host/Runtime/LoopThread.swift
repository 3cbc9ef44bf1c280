package import CPacketLoop
import Glibc
package import Wire

/// What a packet loop works for: it is given datagrams and turns, on the loop's thread.
package protocol LoopOwner: AnyObject {
  /// One receive batch of one socket.
  func handle(
    _ batch: UnsafeBufferPointer<pl_datagram>, at now: Instant, through loop: OpaquePointer)
  /// Once per turn, and when a deadline or a wake is due. Gives the next deadline.
  func turn(at now: Instant, through loop: OpaquePointer) -> Instant
}

/// A packet loop with its sockets and its thread, for an owner that is an object. (The relay, whose
/// packet path must not touch a reference count, has handlers of its own.)
///
/// Use: add sockets, `start`, and once the owner has stopped the loop, `join`.
@safe package final class LoopThread: @unchecked Sendable {
  // @unchecked: the owner is touched by the loop's thread only, between `start` and `join`; waking
  // is made for any thread.
  private let context: LoopContext
  private let loop: OpaquePointer
  private var thread: HostThread?

  /// Makes the loop. `batch` and `queue` are datagrams; 0 means the loop's own default. While
  /// datagrams come more often than `restNanoseconds`, they are read at multiples of it only.
  package init(
    owner: any LoopOwner, socketsMax: Int, batch: UInt32 = 0, queue: UInt32 = 0,
    restNanoseconds: UInt32 = 0
  ) throws(LoopFailure) {
    context = LoopContext(owner)
    var options = unsafe pl_loop_options()
    unsafe options.numa_node = -1
    unsafe options.sockets_max = UInt32(socketsMax)
    unsafe options.batch = batch
    unsafe options.queue = queue
    unsafe options.rest_nanoseconds = restNanoseconds
    unsafe options.handlers = context.handlers
    var error = pl_error()
    guard let loop = unsafe pl_loop_create(&options, &error) else { throw LoopFailure(error) }
    unsafe self.loop = loop
  }

  deinit { unsafe pl_loop_destroy(loop) }

  /// Opens a UDP socket of the loop's own and gives the address that it is bound to. `bytesMax` is
  /// the longest datagram that is taken whole. A `sizesItself` socket hears nothing of the path
  /// from others, and what is too long for its way can be taken back (`pl_loop_take_refused`); one
  /// of a loop can be such. Before `start`.
  package func open(
    _ address: TransportAddress, bytesMax: UInt32, sizesItself: Bool = false
  ) throws(LoopFailure) -> TransportAddress {
    var options = pl_socket_options()
    options.local = pl_address(address)
    options.ignores_path_mtu = sizesItself ? 1 : 0
    var bound = pl_address()
    var error = pl_error()
    let descriptor = unsafe pl_socket_open(&options, &bound, &error)
    guard descriptor >= 0 else { throw LoopFailure(error) }
    let index = unsafe pl_loop_add_socket(loop, descriptor, bytesMax, &error)
    guard index >= 0 else {
      close(descriptor)
      throw LoopFailure(error)
    }
    if sizesItself, unsafe pl_loop_keep_refused(loop, UInt16(index), &error) != 0 {
      throw LoopFailure(error)
    }
    return TransportAddress(bound)
  }

  /// Once. From now until `join` the owner is the loop's thread's, and this object lives. Traps
  /// when the system has no thread left.
  package func start() {
    thread = HostThread { [self] in unsafe pl_loop_run(loop) }
  }

  /// Makes a turn come soon. Any thread.
  package func wake() { unsafe pl_loop_wake(loop) }

  /// What the loop has done since it was made. Any thread.
  package var counters: pl_counters {
    var counters = pl_counters()
    unsafe pl_loop_counters(loop, &counters)
    return counters
  }

  /// Waits for the thread's end.
  package func join() {
    thread?.join()
    thread = nil
  }
}

/// Why a loop or a socket could not be made: a sentence for the operator.
package struct LoopFailure: Error, Sendable, CustomStringConvertible {
  package let description: String

  init(_ error: pl_error) { description = error.sentence }
}

/// What the C loop hands back on each call: the way to the owner. Kept alive by `LoopThread`.
private final class LoopContext {
  let owner: any LoopOwner

  init(_ owner: any LoopOwner) { self.owner = owner }

  var handlers: pl_handlers {
    var handlers = unsafe pl_handlers()
    unsafe handlers.context = Unmanaged.passUnretained(self).toOpaque()
    unsafe handlers.on_batch = { context, loop, batch, count, now in
      guard let context = unsafe context, let loop = unsafe loop else { return }
      let datagrams = unsafe UnsafeBufferPointer(start: batch, count: Int(count))
      unsafe Unmanaged<LoopContext>.fromOpaque(context)._withUnsafeGuaranteedRef {
        unsafe $0.owner.handle(datagrams, at: Instant(nanoseconds: now), through: loop)
      }
    }
    unsafe handlers.on_turn = { context, loop, now in
      guard let context = unsafe context, let loop = unsafe loop else { return .max }
      return unsafe Unmanaged<LoopContext>.fromOpaque(context)._withUnsafeGuaranteedRef {
        unsafe $0.owner.turn(at: Instant(nanoseconds: now), through: loop).nanoseconds
      }
    }
    return unsafe handlers
  }
}
