import CTraffic
import Settings

/// One run: one forwarder that has just been started, one load.
final class Trial {
  /// What is asked for.
  struct Order {
    var benchCase: BenchCase
    var kind: Forwarder.Kind
    /// Clients.
    var flows: Int
    /// Seconds that are measured.
    var seconds: Double
    /// The relay's room for routes.
    var routes = 32_768
    var measuresLatency = false
    /// Whether the forwarder is to be kept busy by all means.
    var saturates = true
  }

  let order: Order
  let layout: Layout
  let site: Site
  var maker: TrafficMaker
  let forwarder: StartedProgram
  let sink: Sink

  /// Starts the forwarder and the sink.
  init(_ order: Order, _ toolbox: Toolbox) throws(BenchFailure) {
    self.order = order
    let benchCase = order.benchCase
    layout = Layout(cpus: Processors.all(), saturates: order.saturates)
    site = try Site(
      flows: order.flows, clientSockets: layout.senders.count,
      transceivers: benchCase.transceivers, hasStamps: order.measuresLatency,
      seed: UInt16(truncatingIfNeeded: monotonicNanoseconds() >> 10))
    maker = TrafficMaker(site, order.kind, keys: toolbox.keys)
    forwarder = try StartedProgram(
      order.kind.rawValue, path: toolbox.program(order.kind),
      arguments: Self.arguments(order, site, toolbox), cpus: [layout.forwarder],
      log: toolbox.file("forwarder.log"),
      // A server that does not say so is asked until it answers.
      saysReady: order.kind != .coturn)
    if order.kind == .frames { try Self.checkFrames(toolbox.file("forwarder.log")) }
    let isCheck = benchCase.load == .checks || benchCase.load == .forged
    let packetBytes = isCheck ? maker.checkBytes : TrafficMaker.packetBytes
    sink = try Sink(
      site, up: Self.shapeUp(order.kind, packetBytes),
      down: Sink.Shape(head: 0, stride: TrafficMaker.packetBytes),
      measuresLatency: order.measuresLatency, cpu: layout.sink)
  }

  /// A relay that is refused frames goes on with UDP, which would be somebody else's figure.
  private static func checkFrames(_ log: String) throws(BenchFailure) {
    let words = (try? FileContents.read(log)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    guard !words.contains("by UDP alone") else { throw BenchFailure(words) }
  }

  /// How packets come to a transceiver.
  private static func shapeUp(_ kind: Forwarder.Kind, _ packetBytes: Int) -> Sink.Shape {
    switch kind {
    case .martlet, .frames: Sink.Shape(head: 16, stride: 9 + packetBytes)
    case .c, .go: Sink.Shape(head: 0, stride: TrafficMaker.baselineHeaderBytes + packetBytes)
    case .coturn: Sink.Shape(head: 0, stride: packetBytes)
    }
  }

  private static func arguments(_ order: Order, _ site: Site, _ toolbox: Toolbox) -> [String] {
    let ports = site.transceivers.map(\.port)
    switch order.kind {
    case .c, .go: return ["\(site.listenPort)", "\(site.trunkPort)"] + ports.map { "\($0)" }
    case .coturn: return turnArguments(site, toolbox)
    case .martlet, .frames: break
    }
    return [
      "--keys", toolbox.keyFile, "--listen", "127.0.0.1:\(site.listenPort)",
      "--trunk", "127.0.0.1:\(site.trunkPort)", "--workers", "1", "--idle-seconds", "3600",
      "--routes", "\(order.routes)", "--bundle-bytes", "\(order.benchCase.bundleBytes)",
      "--transmit", order.kind == .frames ? "frames" : "udp", "--stats", toolbox.file("stats.json"),
      "--ready-fd", "3",
    ]
      + ports.enumerated().flatMap { number, port in
        ["--transceiver", "\(Site.name(ofTransceiver: number))=127.0.0.1:\(port)"]
      }
  }

  /// A server that lets everybody in, with one thread for packets.
  private static func turnArguments(_ site: Site, _ toolbox: Toolbox) -> [String] {
    [
      "-n", "--no-auth", "--listening-ip", "127.0.0.1", "--listening-port", "\(site.listenPort)",
      "--relay-ip", "127.0.0.1", "--allow-loopback-peers", "--relay-threads", "1", "--no-tcp",
      "--no-tls", "--no-dtls", "--no-cli", "--no-rfc5780", "--log-file", "stdout",
      "--no-stdout-log",
      "--userdb", toolbox.file("turn.db"), "--pidfile", toolbox.file("turn.pid"),
    ]
  }

  /// Datagrams in a second while the forwarder gets to know the clients.
  private static let primingRate = 40_000
  private static let primingTries = 3

  /// Makes all clients known: a relay of ours learns the routes from what transceivers send, a
  /// relay in Go from the clients' first checks. A forwarder that knows nobody gets nothing.
  func prime() throws(BenchFailure) {
    for _ in 0..<Self.primingTries {
      let isComplete =
        switch order.kind {
        case .martlet, .frames: try primeFromTransceivers()
        case .go: try primeFromClients()
        case .coturn: try primeTurn()
        case .c: true
        }
      if isComplete { return }
    }
    throw BenchFailure("\(order.kind.rawValue) lost packets of a small load before the run began")
  }

  private func primeFromTransceivers() throws(BenchFailure) -> Bool {
    let before = sink.count(Sink.down)
    var sent = 0
    for (number, traffic) in maker.fromTransceivers().enumerated() {
      var primer = Sender.Order(descriptor: site.transceivers[number].descriptor)
      primer.rate = Self.primingRate / traffic.packetsEach
      primer.limit = traffic.count
      sent += try Sender(traffic, primer).finish()
    }
    return settle { (sink.count(Sink.down) - before).packets >= sent }
  }

  private func primeFromClients() throws(BenchFailure) -> Bool {
    let before = sink.count(Sink.up)
    let traffic = maker.fromClients(.checks)
    var sent = 0
    for (number, socket) in site.clients.enumerated() where number < traffic.count {
      var primer = Sender.Order(descriptor: socket.descriptor)
      primer.first = number
      primer.step = site.clients.count
      primer.rate = Self.primingRate
      primer.limit = (traffic.count - number + primer.step - 1) / primer.step
      sent += try Sender(traffic, primer).finish()
    }
    return settle { (sink.count(Sink.up) - before).datagrams >= sent }
  }

  /// Allocations and channels; each request is answered.
  private func primeTurn() throws(BenchFailure) -> Bool {
    for traffic in [maker.allocations(), maker.channels()] {
      let before = sink.count(Sink.down)
      var sent = 0
      for (number, socket) in site.clients.enumerated() where number < traffic.count {
        var primer = Sender.Order(descriptor: socket.descriptor)
        primer.first = number
        primer.step = site.clients.count
        primer.rate = 5_000
        primer.limit = (traffic.count - number + primer.step - 1) / primer.step
        sent += try Sender(traffic, primer).finish()
      }
      let isComplete = settle { (sink.count(Sink.down) - before).datagrams >= sent }
      guard isComplete else { return false }
    }
    return true
  }

  /// Waits a while for `isDone`.
  func settle(_ isDone: () -> Bool) -> Bool {
    for _ in 0..<50 {
      if isDone() { return true }
      pause(seconds: 0.01)
    }
    return isDone()
  }
}
