import CPacketLoop
import Glibc
import Synchronization
import Testing

/// Turns, batches, deadlines, wakes.
@Suite struct LoopTests {
  @Test func datagramsComeWithTheirSenderAndGoBack() throws {
    let loop = try TestLoop()
    let server = try loop.addSocket()
    let client = try UdpSocket(.loopback(port: 0, host: 2))
    for number in 0..<100 { try client.send([UInt8(number), 1, 2], to: server.address) }
    unsafe loop.handlers.onBatch = { loop, seen in
      for datagram in seen {
        var peer = datagram.peer
        unsafe pl_loop_send(loop, datagram.socket, datagram.bytes, 3, &peer)
        unsafe pl_loop_flush(loop)
      }
    }
    loop.run(untilSeen: 100)

    let seen = loop.handlers.datagrams
    #expect(seen.map(\.bytes) == (0..<100).map { [UInt8($0), 1, 2] })
    #expect(seen.allSatisfy { $0.peer.port == client.address.port && $0.peer.ip.15 == 2 })
    for number in 0..<100 { #expect(client.receive() == [UInt8(number), 1, 2]) }
    let counters = loop.counters
    #expect(counters.received == 100)
    #expect(counters.received_bytes == 300)
    #expect(counters.sent == 100)
    #expect(counters.sent_bytes == 300)
    #expect(counters.dropped_by_kernel == 0)
    #expect(counters.turns == UInt64(loop.handlers.turns))
  }

  @Test func aBusySocketDoesNotStarveAQuietOne() throws {
    let loop = try TestLoop(batch: 16)
    let busy = try loop.addSocket()
    let quiet = try loop.addSocket()
    let client = try UdpSocket(.loopback(port: 0))
    for _ in 0..<800 { try client.send([1], to: busy.address) }
    try client.send([2], to: quiet.address)
    loop.run(untilSeen: 801)

    let batches = loop.handlers.batches
    #expect(batches.allSatisfy { (1...16).contains($0.count) })
    let turnOfQuiet = try #require(batches.firstIndex { $0[0].socket == 1 })
    #expect(turnOfQuiet <= 4, "four batches of the busy socket are one turn")
    #expect(loop.counters(ofSocket: 0).received == 800)
    #expect(loop.counters(ofSocket: 1).received == 1)
  }

  /// A loop that gathers reads no earlier than it was told to; what came meanwhile is one batch.
  @Test func gatheringWaitsBeforeItReads() throws {
    let loop = try TestLoop(gatherNanoseconds: 5_000_000)
    let socket = try loop.addSocket()
    let client = try UdpSocket(.loopback(port: 0))
    for number in 0..<10 { try client.send([UInt8(number)], to: socket.address) }
    var readAt: UInt64 = 0
    unsafe loop.handlers.onBatch = { _, _ in readAt = pl_now() }
    let start = pl_now()
    loop.run(untilSeen: 10)
    #expect(readAt - start >= 5_000_000)
    #expect(loop.handlers.batches.count == 1)
  }

  /// What comes soon after the last that was read waits for the next multiple of the rest.
  @Test func aBusyLoopRestsBetweenReadings() throws {
    let period: UInt64 = 10_000_000
    let loop = try TestLoop(restNanoseconds: UInt32(period))
    let socket = try loop.addSocket()
    let client = try UdpSocket(.loopback(port: 0))
    try client.send([0], to: socket.address)
    // A reading lies between the moments at which its batch and its turn are handled.
    var readings: [(batch: UInt64, turn: UInt64)] = []
    var rests = 0
    unsafe loop.handlers.onBatch = { loop, _ in
      let now = pl_now()
      let since = unsafe pl_loop_waiting_since(loop)
      #expect(since <= now)
      // On a slow machine the pause may be too long for a rest; then nothing is expected.
      if let last = readings.last, let before = readings.dropLast().last,
        last.turn - before.batch < period + period / 2
      {
        rests += 1
        #expect(now >= (last.turn / period + 1) * period)
        #expect((last.batch...last.turn).contains(since))
      }
      readings.append((now, now))
    }
    unsafe loop.handlers.onTurn = { loop, now in
      guard !readings.isEmpty else { return .max }
      readings[readings.count - 1].turn = now
      if rests == 5 || readings.count == 1_000 {
        unsafe pl_loop_stop(loop)
      } else {
        #expect(throws: Never.self) { try client.send([0], to: socket.address) }
      }
      return .max
    }
    loop.run()
    #expect(rests == 5)
    #expect(loop.counters.received == UInt64(readings.count))
  }

  @Test func aTurnIsBounded() throws {
    let loop = try TestLoop(batch: 16)
    let busy = try loop.addSocket()
    let client = try UdpSocket(.loopback(port: 0))
    for _ in 0..<800 { try client.send([1], to: busy.address) }
    var seenAtTurn: [Int] = []
    unsafe loop.handlers.onTurn = { [unowned handlers = loop.handlers] loop, _ in
      seenAtTurn.append(handlers.datagrams.count)
      if handlers.datagrams.count == 800 { unsafe pl_loop_stop(loop) }
      return .max
    }
    loop.run()
    for (before, after) in zip(seenAtTurn, seenAtTurn.dropFirst()) {
      #expect(after - before <= 64)
    }
  }

  @Test func aLongDatagramIsCutAndSaysSo() throws {
    let loop = try TestLoop()
    let server = try loop.addSocket(bufferBytes: 100)
    let client = try UdpSocket(.loopback(port: 0))
    for length in [0, 99, 100, 101, 2_000] {
      try client.send([UInt8](repeating: 7, count: length), to: server.address)
    }
    loop.run(untilSeen: 5)
    #expect(loop.handlers.datagrams.map(\.bytes.count) == [0, 99, 100, 100, 100])
    #expect(loop.handlers.datagrams.map(\.isTruncated) == [false, false, false, true, true])
    #expect(loop.counters.truncated == 2)
    #expect(loop.counters.received == 5)
  }

  @Test func deadlinesBringTurnsWithoutDatagrams() throws {
    let loop = try TestLoop()
    var isEarly = false
    var deadline: UInt64 = 0
    var left = 5
    unsafe loop.handlers.onTurn = { loop, now in
      isEarly = isEarly || now < deadline
      left -= 1
      if left == 0 { unsafe pl_loop_stop(loop) }
      // A deadline that has passed, one that is near, one in between two clock ticks.
      deadline = left == 3 ? 1 : now + 1_500_001
      return deadline
    }
    loop.run()
    #expect(left == 0)
    #expect(!isEarly, "a turn came before its deadline though nothing else was due")
  }

  @Test func aWakeBringsATurnFromAnyThread() throws {
    let loop = try TestLoop()
    let other = try OtherThread { [unowned loop] in unsafe pl_loop_wake(loop.loop) }
    unsafe loop.handlers.onTurn = { [unowned handlers = loop.handlers] loop, _ in
      if handlers.turns == 1 { other.start() }
      if handlers.turns == 2 { unsafe pl_loop_stop(loop) }
      return .max
    }
    loop.run()
    other.join()
    #expect(loop.handlers.turns == 2)
  }

  @Test func stopWorksFromAnotherThreadAndBeforehand() throws {
    let loop = try TestLoop()
    let other = try OtherThread { [unowned loop] in unsafe pl_loop_stop(loop.loop) }
    unsafe loop.handlers.onTurn = { _, _ in
      if !other.isStarted { other.start() }
      return .max
    }
    loop.run()
    other.join()
    let turns = loop.handlers.turns
    loop.run()  // still stopped
    #expect(loop.handlers.turns == turns + 1)
  }

  @Test func signalsDoNotEndTheWait() throws {
    signal(SIGUSR2) { _ in }
    let loop = try TestLoop()
    let thread = ThreadHandle(pthread_self())
    let isStopping = Atomic<Bool>(false)
    let other = try OtherThread { [unowned loop] in
      for _ in 0..<20 {
        pthread_kill(thread.value, SIGUSR2)
        usleep(500)
      }
      isStopping.store(true, ordering: .sequentiallyConsistent)
      unsafe pl_loop_stop(loop.loop)
    }
    unsafe loop.handlers.onTurn = { _, _ in
      if !other.isStarted { other.start() }
      return .max
    }
    loop.run()
    let isStopped = isStopping.load(ordering: .sequentiallyConsistent)
    other.join()
    #expect(isStopped, "a signal ended the loop")
  }

  @Test func ipv6GoesBothWays() throws {
    let loop = try TestLoop()
    let server = try loop.addSocket(local: .ipv6Loopback(port: 0))
    var own = server.address
    let message: [UInt8] = [1, 2, 3]
    unsafe loop.runOnce { loop in
      // The loop reads the bytes at the flush, so both are inside.
      unsafe message.withUnsafeBufferPointer { bytes in
        unsafe pl_loop_send(loop, 0, bytes.baseAddress, 3, &own)
        unsafe pl_loop_flush(loop)
      }
    }
    #expect(server.receive() == message)
    #expect(loop.counters.sent == 1)
  }

  @Test func sockets() throws {
    let loop = try TestLoop(socketsMax: 2)
    _ = try loop.addSocket()
    _ = try loop.addSocket()
    #expect(throws: SetUpError.self) { _ = try loop.addSocket() }
    let other = try TestLoop()
    #expect(throws: SetUpError.self) { _ = try other.addSocket(bufferBytes: 0) }
    #expect(throws: SetUpError.self) { _ = try TestLoop(batch: 1_025) }
    // A node that does not exist costs speed, not function.
    let placed = try TestLoop(node: 900)
    _ = try placed.addSocket()
  }
}
