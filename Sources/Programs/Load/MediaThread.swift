import CPacketLoop
import Glibc
import Wire

/// Why a load run cannot go on, in one sentence.
struct LoadFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }

  init(_ error: pl_error) {
    self.init(
      unsafe withUnsafeBytes(of: error.text) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      })
  }
}

/// A packet loop, and the thread on which it runs a shard of calls.
@safe final class MediaThread: @unchecked Sendable {
  // @unchecked: the loop is used from other threads only to wake it, which is made for that.
  private let shard: LoadShard
  private let loop: OpaquePointer
  private var thread = pthread_t()

  init(shard: LoadShard, socketsMax: Int) throws(LoadFailure) {
    var options = unsafe pl_loop_options()
    unsafe options.numa_node = -1
    unsafe options.batch = 8
    unsafe options.queue = 16
    unsafe options.sockets_max = UInt32(socketsMax)
    // The loop does not own its shard: this object holds both and outlives the thread.
    unsafe options.handlers.context = Unmanaged.passUnretained(shard).toOpaque()
    unsafe options.handlers.on_batch = { context, loop, batch, count, now in
      guard let context = unsafe context, let loop = unsafe loop else { return }
      let datagrams = unsafe UnsafeBufferPointer(start: batch, count: Int(count))
      unsafe Unmanaged<LoadShard>.fromOpaque(context)._withUnsafeGuaranteedRef {
        unsafe $0.handle(datagrams, at: Instant(nanoseconds: now), through: loop)
      }
    }
    unsafe options.handlers.on_turn = { context, loop, now in
      guard let context = unsafe context, let loop = unsafe loop else { return .max }
      return unsafe Unmanaged<LoadShard>.fromOpaque(context)._withUnsafeGuaranteedRef {
        unsafe $0.turn(at: Instant(nanoseconds: now), through: loop).nanoseconds
      }
    }
    var error = pl_error()
    guard let loop = unsafe pl_loop_create(&options, &error) else { throw LoadFailure(error) }
    unsafe self.loop = loop
    self.shard = shard
  }

  deinit { unsafe pl_loop_destroy(loop) }

  func start() {
    let status = unsafe pthread_create(
      &thread, nil,
      { context in
        guard let context = unsafe context else { return nil }
        unsafe Unmanaged<MediaThread>.fromOpaque(context).takeUnretainedValue().run()
        return nil
      }, Unmanaged.passUnretained(self).toOpaque())
    precondition(status == 0, "cannot start the media thread: error \(status)")
  }

  private func run() { unsafe pl_loop_run(loop) }

  /// Makes the shard look into its mail. Any thread.
  func wake() { unsafe pl_loop_wake(loop) }

  /// Waits for the end of the run.
  func join() { pthread_join(thread, nil) }
}

// The packet loop's form of an address and ours: the same sixteen bytes, as bytes and as numbers.

extension TransportAddress {
  init(_ address: pl_address) {
    let (high, low) = unsafe withUnsafeBytes(of: address.ip) { bytes in
      unsafe (
        UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
        UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      )
    }
    self.init(high: high, low: low, port: address.port)
  }
}

extension pl_address {
  init(_ address: TransportAddress) {
    self.init()
    port = address.port
    unsafe withUnsafeMutableBytes(of: &ip) { bytes in
      unsafe bytes.storeBytes(of: address.high.bigEndian, toByteOffset: 0, as: UInt64.self)
      unsafe bytes.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
  }
}
