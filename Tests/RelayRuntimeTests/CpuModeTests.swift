import CPacketLoop
import Glibc
import Json
import Machine
import Settings
import TestSupport
import Testing
import Wire

/// What a thread is given: a closure behind a pointer.
private final class Work {
  let body: () -> Void

  init(_ body: @escaping () -> Void) { self.body = body }

  /// Runs it on a thread of its own and waits for the end.
  func runAlone() {
    var thread = pthread_t()
    let status = unsafe pthread_create(
      &thread, nil,
      { context in
        unsafe Unmanaged<Work>.fromOpaque(context!).takeRetainedValue().body()
        return nil
      }, Unmanaged.passRetained(self).toOpaque())
    precondition(status == 0, "pthread_create: \(status)")
    pthread_join(thread, nil)
  }
}

/// `--steering cpu` and `--explain` of the real program.
@Suite(.serialized) struct CpuModeTests {
  /// Without the rights that eBPF needs, though still root, so that files can be read.
  private let unprivileged = [
    "/usr/bin/setpriv", "--bounding-set", "-sys_admin,-bpf,-net_admin,-perfmon", "--inh-caps",
    "-all", "--",
  ]

  private var cpus: [Int] {
    get throws { try #require(Processors(MachineFiles())).allowed.map(\.cpu) }
  }

  /// Runs `body` on one CPU: what it sends on the loopback interface is received there.
  private func on<Value>(_ cpu: Int, _ body: @escaping () throws -> Value) throws -> Value {
    var result: Result<Value, any Error>?
    Work {
      let isThere = pl_pin_to_cpu(Int32(cpu)) == 0
      result = isThere ? Result(catching: body) : nil
    }.runAlone()
    return try #require(result, "this process may not run on CPU \(cpu)").get()
  }

  /// The worker, by its trunk address, that takes the first packet of most of ten new clients.
  ///
  /// Any of them may share its home with a client of another CPU, and so the worker: in every
  /// fiftieth run of these tests one of them does.
  private func worker(
    _ relay: RelayProcess, _ transceiver: FakeTransceiver, _ listener: TransportAddress
  ) throws -> TransportAddress {
    var counts: [TransportAddress: Int] = [:]
    for _ in 0..<10 {
      let client = try UdpSocket(isIPv4: listener.isIPv4)
      client.send(transceiver.check(relay.keys), to: listener)
      counts[try #require(transceiver.receive(relay.keys)).relay, default: 0] += 1
    }
    let most = try #require(counts.max { $0.value < $1.value })
    #expect(most.value > 5, "\(counts)")
    return most.key
  }

  @Test(.enabled(if: Right.bpf.isHeld, "needs a right: CAP_BPF, to load eBPF"))
  func everyCPUHasItsWorker() throws { try checkWorkers(isPrivileged: true) }

  @Test func everyCPUHasItsWorkerWithoutRights() throws { try checkWorkers(isPrivileged: false) }

  /// With eBPF or without, under IPv4 and IPv6: clients whose packets come to one CPU have one
  /// worker, those of another CPU another.
  private func checkWorkers(isPrivileged: Bool) throws {
    let cpus = try cpus
    let transceiver = try FakeTransceiver(node: 1, shard: 0)
    let relay = try RelayProcess(
      listen: ["127.0.0.1:0", "[::1]:0"],
      transceivers: [(transceiver.id, transceiver.trunk.address)],
      workers: cpus.count, more: ["--steering", "cpu"],
      through: isPrivileged ? [] : unprivileged)
    for listener in relay.listeners {
      var seen: Set<TransportAddress> = []
      for cpu in cpus {
        let worker = try on(cpu) { try self.worker(relay, transceiver, listener) }
        #expect(seen.insert(worker).inserted)
      }
    }
    #expect(relay.end() == 0)
    #expect(relay.log.contains(isPrivileged ? "steering=cpu" : "steering=so_incoming_cpu"))
    let counters = relay.statistics()
    let (byCpu, byHome) = (counters["steered_by_cpu"] ?? 0, counters["steered_by_home"] ?? 0)
    #expect(byCpu + byHome == (isPrivileged ? cpus.count * 20 : 0))
    #expect(byHome <= byCpu)
  }

  /// A client that moves from CPU to CPU loses nothing: its worker keeps it.
  @Test(.enabled(if: Right.bpf.isHeld, "needs a right: CAP_BPF, to load eBPF"))
  func aClientKeepsItsWorkerOnEveryCPU() throws {
    let cpus = try cpus
    let transceiver = try FakeTransceiver(node: 1, shard: 0)
    let relay = try RelayProcess(
      listen: ["127.0.0.1:0"], transceivers: [(transceiver.id, transceiver.trunk.address)],
      workers: cpus.count, more: ["--steering", "cpu"])
    let client = try UdpSocket()
    let media = [UInt8](repeating: 0x80, count: 172)
    let path = try on(cpus[0]) { () -> FakeTransceiver.Arrival in
      client.send(transceiver.check(relay.keys), to: relay.listeners[0])
      return try #require(transceiver.receive(relay.keys))
    }
    transceiver.answer(path, [1], keys: relay.keys)
    #expect(client.receive()?.bytes == [1])
    for cpu in cpus + cpus {
      try on(cpu) { client.send(media, to: relay.listeners[0]) }
      #expect(transceiver.receive(relay.keys)?.relay == path.relay)
    }
    #expect(relay.end() == 0)
    let counters = relay.statistics()
    #expect(counters["client_forwarded_by_route"] == cpus.count * 2)
    #expect(counters["steered_by_home"] == (cpus.count - 1) * 2)
  }

  private let explain = [
    "--explain", "--workers", "2", "--steering", "cpu", "--listen", "127.0.0.1:0",
  ]

  @Test(.enabled(if: Right.bpf.isHeld, "needs a right: CAP_BPF, to load eBPF"))
  func aLayoutIsExplainedWithoutKeys() throws {
    let text = try RelayProcess.output(of: explain, through: [])
    #expect(text.hasPrefix("STEERING   cpu, by eBPF\n"))
    #expect(text.contains("\nLISTENER  ADDRESS      ON  COMES IN BY  SOCKETS (SLOT:WORKER)\n"))
  }

  @Test func aLayoutIsExplainedWithoutRights() throws {
    let refused = try RelayProcess.output(of: explain, through: unprivileged)
    #expect(refused.hasPrefix("STEERING   cpu is wanted; eBPF is refused"))
    #expect(refused.contains("With CAP_BPF (or as root)"))
    let json = try RelayProcess.output(of: explain + ["--json"], through: [])
    let value = try JsonValue.parse(Array(json.utf8), file: "explain")
    #expect(value["steering"]?["wanted"]?.text == "cpu")
  }
}
