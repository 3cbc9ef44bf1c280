import CPacketLoop
import TestSupport
import Testing

/// What the handlers of the budget test count; plain figures, so that they cost nothing themselves.
private struct EchoState {
  var echoed = 0
  var wanted: Int
}

@Suite("Budget: a turn costs no allocation", .serialized, .enabled(if: Cost.isMeasurable))
struct PacketLoopBudgetTests {
  /// 500 datagrams received and sent back, over two sockets, with flushes by hand and by a full
  /// queue, a wake and a deadline.
  @Test func receivingAndSending() throws {
    var state = EchoState(wanted: 500)
    let cost = try unsafe withUnsafeMutablePointer(to: &state) { state in
      let loop = try unsafe Self.makeLoop(state)
      defer { unsafe pl_loop_destroy(loop) }
      let addresses = try (0..<2).map { _ in try unsafe Self.addSocket(to: loop) }
      let client = try UdpSocket(.loopback(port: 0))
      for number in 0..<500 { try client.send([1, 2, 3], to: addresses[number % 2]) }
      return Cost.of { unsafe pl_loop_run(loop) }
    }
    #expect(state.echoed == 500)
    #expect(cost == .nothing)
  }

  private static func makeLoop(_ state: UnsafeMutablePointer<EchoState>) throws -> OpaquePointer {
    var options = unsafe pl_loop_options()
    unsafe options.batch = 32
    unsafe options.queue = 10
    unsafe options.numa_node = -1
    unsafe options.handlers.context = UnsafeMutableRawPointer(state)
    unsafe options.handlers.on_batch = { context, loop, batch, count, _ in
      let state = unsafe context!.assumingMemoryBound(to: EchoState.self)
      var index = 0
      while index < Int(count) {
        let datagram = unsafe batch![index]
        var peer = unsafe datagram.peer
        unsafe pl_loop_send(loop, datagram.socket, datagram.bytes, datagram.length, &peer)
        index += 1
      }
      unsafe state.pointee.echoed += Int(count)
      unsafe pl_loop_flush(loop)
    }
    unsafe options.handlers.on_turn = { context, loop, now in
      let state = unsafe context!.assumingMemoryBound(to: EchoState.self)
      unsafe pl_loop_wake(loop)
      if unsafe state.pointee.echoed == state.pointee.wanted { unsafe pl_loop_stop(loop) }
      return now &+ 1_000
    }
    var error = pl_error()
    guard let loop = unsafe pl_loop_create(&options, &error) else {
      throw SetUpError(description: error.sentence)
    }
    return unsafe loop
  }

  private static func addSocket(to loop: OpaquePointer) throws -> pl_address {
    let socket = try UdpSocket(.loopback(port: 0))
    var error = pl_error()
    guard unsafe pl_loop_add_socket(loop, socket.descriptor, 2_048, &error) >= 0 else {
      throw SetUpError(description: error.sentence)
    }
    socket.isOwned = false
    return socket.address
  }
}
