import CPacketLoop
import Glibc
import Wire

/// A shard with its socket, its loop and its thread. Other threads post letters to it; everything
/// else is the thread's own.
@safe final class ShardThread: @unchecked Sendable {
  // @unchecked: `shard` is touched by its own thread only, between `start` and `join`; posting and
  // waking are made for any thread.
  let shard: Shard
  /// Where the relays reach this shard.
  let trunk: TransportAddress
  private let loop: OpaquePointer
  private var thread = pthread_t()

  /// Bytes of the largest trunk datagram that is taken in: a jumbo frame's.
  private static let receiveBytes: UInt32 = 9_216

  /// Opens the trunk socket and makes the loop; `start` runs it.
  init(shard: Shard, listening address: TransportAddress) throws(TransceiverFailure) {
    var error = pl_error()
    var options = pl_socket_options()
    options.local = pl_address(address)
    var bound = pl_address()
    let descriptor = unsafe pl_socket_open(&options, &bound, &error)
    guard descriptor >= 0 else { throw TransceiverFailure(error) }
    guard let loop = unsafe Self.makeLoop(for: shard, &error) else {
      close(descriptor)
      throw TransceiverFailure(error)
    }
    unsafe self.loop = loop
    self.shard = shard
    trunk = TransportAddress(bound)
    let index = unsafe pl_loop_add_socket(loop, descriptor, Self.receiveBytes, &error)
    guard index == Int32(Shard.trunkSocket) else { throw TransceiverFailure(error) }
  }

  deinit { unsafe pl_loop_destroy(loop) }

  private static func makeLoop(for shard: Shard, _ error: inout pl_error) -> OpaquePointer? {
    var options = unsafe pl_loop_options()
    unsafe options.numa_node = -1
    unsafe options.sockets_max = 1
    // The loop does not own its shard: this object holds both and outlives the thread.
    unsafe options.handlers.context = Unmanaged.passUnretained(shard).toOpaque()
    unsafe options.handlers.on_batch = { context, loop, batch, count, now in
      guard let context = unsafe context, let loop = unsafe loop else { return }
      let datagrams = unsafe UnsafeBufferPointer(start: batch, count: Int(count))
      unsafe Unmanaged<Shard>.fromOpaque(context)._withUnsafeGuaranteedRef {
        unsafe $0.handle(datagrams, at: Instant(nanoseconds: now), through: loop)
      }
    }
    unsafe options.handlers.on_turn = { context, loop, now in
      guard let context = unsafe context, let loop = unsafe loop else { return .max }
      return unsafe Unmanaged<Shard>.fromOpaque(context)._withUnsafeGuaranteedRef {
        unsafe $0.turn(at: Instant(nanoseconds: now), through: loop).nanoseconds
      }
    }
    return unsafe pl_loop_create(&options, &error)
  }

  /// Leaves a letter for the shard. Any thread.
  func post(_ letter: Shard.Letter) {
    shard.mailbox.post(letter)
    unsafe pl_loop_wake(loop)
  }

  func start() {
    let status = unsafe pthread_create(
      &thread, nil,
      { context in
        guard let context = unsafe context else { return nil }
        unsafe Unmanaged<ShardThread>.fromOpaque(context).takeUnretainedValue().run()
        return nil
      }, Unmanaged.passUnretained(self).toOpaque())
    precondition(status == 0, "cannot start a shard's thread: error \(status)")
  }

  private func run() { unsafe pl_loop_run(loop) }

  /// Waits for the thread's end, which follows a `shutDown` letter.
  func join() { pthread_join(thread, nil) }
}

extension TransceiverFailure {
  init(_ error: pl_error) {
    self.init(
      description: unsafe withUnsafeBytes(of: error.text) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      })
  }
}
