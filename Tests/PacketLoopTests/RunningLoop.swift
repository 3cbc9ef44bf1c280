import CPacketLoop

/// A datagram as a handler saw it.
struct SeenDatagram {
  let bytes: [UInt8]
  let socket: UInt16
  let isTruncated: Bool
  let peer: pl_address
}

/// What a loop's handlers see, and what a test makes them do.
@safe final class Handlers {
  /// Runs in `on_batch`.
  var onBatch: (OpaquePointer, [SeenDatagram]) -> Void = { _, _ in }
  /// Runs in `on_turn`; returns the next deadline.
  var onTurn: (OpaquePointer, UInt64) -> UInt64 = { _, _ in .max }
  var batches: [[SeenDatagram]] = []
  var turns = 0

  var datagrams: [SeenDatagram] { Array(batches.joined()) }

  func take(_ batch: UnsafeBufferPointer<pl_datagram>, loop: OpaquePointer) {
    let seen = unsafe batch.map { datagram in
      SeenDatagram(
        bytes: unsafe Array(
          UnsafeBufferPointer(start: datagram.bytes, count: Int(datagram.length))),
        socket: unsafe datagram.socket, isTruncated: unsafe datagram.truncated != 0,
        peer: unsafe datagram.peer)
    }
    batches.append(seen)
    unsafe onBatch(loop, seen)
  }
}

/// A loop that runs on the test's own thread, so that what its handlers saw needs no lock and no
/// waiting: a handler stops the loop when the test has seen enough.
@safe final class TestLoop {
  let handlers = Handlers()
  let loop: OpaquePointer

  init(
    batch: UInt32 = 0, queue: UInt32 = 0, socketsMax: UInt32 = 0, node: Int32 = -1,
    gatherNanoseconds: UInt32 = 0, restNanoseconds: UInt32 = 0
  ) throws {
    var options = unsafe pl_loop_options()
    unsafe options.batch = batch
    unsafe options.queue = queue
    unsafe options.sockets_max = socketsMax
    unsafe options.numa_node = node
    unsafe options.gather_nanoseconds = gatherNanoseconds
    unsafe options.rest_nanoseconds = restNanoseconds
    unsafe options.handlers.context = Unmanaged.passUnretained(handlers).toOpaque()
    unsafe options.handlers.on_batch = { context, loop, batch, count, _ in
      let handlers = unsafe Unmanaged<Handlers>.fromOpaque(context!).takeUnretainedValue()
      unsafe handlers.take(UnsafeBufferPointer(start: batch, count: Int(count)), loop: loop!)
    }
    unsafe options.handlers.on_turn = { context, loop, now in
      let handlers = unsafe Unmanaged<Handlers>.fromOpaque(context!).takeUnretainedValue()
      handlers.turns += 1
      return unsafe handlers.onTurn(loop!, now)
    }
    var error = pl_error()
    guard let loop = unsafe pl_loop_create(&options, &error) else {
      throw SetUpError(description: error.sentence)
    }
    unsafe self.loop = loop
  }

  deinit { unsafe pl_loop_destroy(loop) }

  /// Adds a socket on the loopback network; the loop owns it from here on.
  func addSocket(
    bufferBytes: UInt32 = 2_048, local: pl_address = .loopback(port: 0), coalesced: Bool = false,
    takesIPv4: Bool = false
  ) throws -> UdpSocket {
    let socket = try UdpSocket(local, coalesces: coalesced, takesIPv4: takesIPv4)
    var error = pl_error()
    let index = unsafe pl_loop_add_socket(loop, socket.descriptor, bufferBytes, &error)
    guard index >= 0 else { throw SetUpError(description: error.sentence) }
    socket.isOwned = false
    return socket
  }

  func run() { unsafe pl_loop_run(loop) }

  /// Runs until the handlers have seen `count` datagrams.
  func run(untilSeen count: Int) {
    let inner = unsafe handlers.onTurn
    unsafe handlers.onTurn = { [unowned handlers] loop, now in
      if handlers.datagrams.count >= count { unsafe pl_loop_stop(loop) }
      return unsafe inner(loop, now)
    }
    run()
  }

  /// Lets a handler run `body` once, then ends the loop.
  func runOnce(_ body: @escaping (OpaquePointer) -> Void) {
    unsafe handlers.onTurn = { loop, _ in
      unsafe body(loop)
      unsafe pl_loop_stop(loop)
      return .max
    }
    run()
  }

  var counters: pl_counters {
    var counters = pl_counters()
    unsafe pl_loop_counters(loop, &counters)
    return counters
  }

  func counters(ofSocket socket: UInt16) -> pl_counters {
    var counters = pl_counters()
    unsafe pl_loop_socket_counters(loop, socket, &counters)
    return counters
  }
}
