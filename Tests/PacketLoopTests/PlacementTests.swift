import CPacketLoop
import Glibc
import Testing

/// Threads on CPUs, memory on nodes, and the sockets that go with them.
@Suite struct PlacementTests {
  /// A thread can be kept on each CPU that this process may use.
  @Test func pinning() throws {
    let cpus = (0..<Int32(1024)).filter { cpu in
      var isAllowed = false
      let thread = try? OtherThread { isAllowed = pl_pin_to_cpu(cpu) == 0 }
      thread?.start()
      thread?.join()
      return isAllowed
    }
    #expect(!cpus.isEmpty)
    var results: [(status: Int32, allowed: String, now: Int32)] = []
    let thread = try OtherThread {
      for cpu in cpus + [-1, 1_000_000] {
        results.append((pl_pin_to_cpu(cpu), Self.allowedCpus(), pl_current_cpu()))
      }
    }
    thread.start()
    thread.join()
    #expect(results.map(\.status) == cpus.map { _ in 0 } + [EINVAL, EINVAL])
    #expect(results.prefix(cpus.count).map(\.allowed) == cpus.map { "\($0)" })
    #expect(results.prefix(cpus.count).map(\.now) == cpus)
  }

  @Test func memoryTellsItsNode() throws {
    var page = [UInt8](repeating: 1, count: 8192)
    let node = unsafe page.withUnsafeMutableBytes { unsafe pl_node_of_memory($0.baseAddress) }
    // A kernel without NUMA does not tell; -1 is all that it may say then.
    #expect(pl_numa_is_available() ? node >= 0 : node == -1)
    #expect(pl_node_of_memory(nil) == -1)
  }

  @Test func aSocketTakesItsCpu() throws {
    let socket = try UdpSocket(.loopback(port: 0))
    #expect(pl_socket_prefer_cpu(socket.descriptor, 1) == 0)
    var cpu: Int32 = -1
    var length = socklen_t(MemoryLayout<Int32>.size)
    unsafe getsockopt(socket.descriptor, SOL_SOCKET, SO_INCOMING_CPU, &cpu, &length)
    #expect(cpu == 1)
    #expect(pl_socket_prefer_cpu(-1, 1) == EBADF)
  }

  /// Where it is allowed the sockets have it, and the loop works as before; where not, a sentence
  /// says so and the loop works as before.
  @Test func busyPolling() throws {
    let loop = try TestLoop()
    let socket = try loop.addSocket()
    var error = pl_error()
    let status = unsafe pl_loop_busy_poll(loop.loop, 50, &error)
    // EPERM: no CAP_NET_ADMIN; EINVAL and ENOTTY: a kernel older than 6.9.
    #expect(status == 0 || [EPERM, EINVAL, ENOTTY].contains(error.number), "\(error.sentence)")
    if status == 0 {
      var microseconds: Int32 = 0
      var length = socklen_t(MemoryLayout<Int32>.size)
      unsafe getsockopt(socket.descriptor, SOL_SOCKET, SO_BUSY_POLL, &microseconds, &length)
      #expect(microseconds == 50)
    }
    let client = try UdpSocket(.loopback(port: 0))
    try client.send([1, 2, 3], to: socket.address)
    loop.run(untilSeen: 1)
    #expect(loop.handlers.datagrams.map(\.bytes) == [[1, 2, 3]])
  }

  /// Where the calling thread may run, in the kernel's words.
  static func allowedCpus() -> String {
    guard let file = unsafe fopen("/proc/thread-self/status", "r") else { return "" }
    defer { unsafe fclose(file) }
    var line = [CChar](repeating: 0, count: 4_096)
    while unsafe fgets(&line, Int32(line.count), file) != nil {
      let bytes = line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
      let text = String(decoding: bytes, as: UTF8.self)
      if text.hasPrefix("Cpus_allowed_list:") {
        return text.dropFirst(18).filter { !$0.isWhitespace }
      }
    }
    return ""
  }
}
