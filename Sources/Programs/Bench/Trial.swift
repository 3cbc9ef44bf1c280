import CTraffic
import Wire

/// One run: one forwarder, one case, one load.
final class Trial {
  /// What is asked for.
  struct Order {
    var benchCase: BenchCase
    var kind: Forwarder.Kind
    var flows: Int
    /// Seconds that are measured.
    var seconds: Double
  }

  /// What was seen between two moments of the steady state.
  struct Figures {
    /// Packets that came out at the other side.
    var packets: Double
    /// Packets that the senders sent.
    var sent: Int
    /// Seconds.
    var seconds: Double
    /// Nanoseconds of CPU time of the forwarder.
    var cpu: Double
    /// The forwarder's part of the time in which it ran or could have run: 1 when it was never
    /// without work.
    var busy: Double
    /// How often the forwarder waited for something.
    var switches: Int
    /// Packets in each datagram on the trunk.
    var packetsPerDatagram: Double

    var cpuPerPacket: Double { packets > 0 ? cpu / packets : .infinity }
  }

  private static let settleSeconds = 0.4
  private let order: Order
  private let toolbox: Toolbox
  private let layout: Layout
  private let site: Site
  private var maker: TrafficMaker
  private let forwarder: Forwarder

  init(_ order: Order, _ toolbox: Toolbox) throws(BenchFailure) {
    self.order = order
    self.toolbox = toolbox
    layout = Layout(cpus: Processors.all(), saturates: true)
    site = try Site(
      flows: order.flows, clientSockets: layout.senders.count,
      transceivers: order.benchCase.transceivers, hasStamps: false,
      seed: UInt16(truncatingIfNeeded: monotonicNanoseconds() >> 10))
    maker = TrafficMaker(site, keys: toolbox.keys, seed: 1)
    forwarder = try Forwarder(
      order.kind, path: toolbox.program(order.kind),
      arguments: Self.arguments(order, site, toolbox), cpus: [layout.forwarder],
      log: toolbox.file("forwarder.log"))
  }

  private static func arguments(_ order: Order, _ site: Site, _ toolbox: Toolbox) -> [String] {
    let ports = site.transceivers.map(\.port)
    switch order.kind {
    case .martlet:
      return [
        "--keys", toolbox.keyFile, "--listen", "127.0.0.1:\(site.listenPort)",
        "--trunk", "127.0.0.1:\(site.trunkPort)", "--workers", "1", "--idle-seconds", "3600",
        "--routes", "\(max(32_768, order.flows))", "--ready-fd", "3",
        "--bundle-bytes", "\(order.benchCase.bundleBytes)", "--stats", toolbox.file("stats.json"),
      ]
        + ports.enumerated().flatMap { number, port in
          ["--transceiver", "\(Site.name(ofTransceiver: number))=127.0.0.1:\(port)"]
        }
    case .c, .go, .coturn:
      return ["\(site.listenPort)", "\(site.trunkPort)"] + ports.map { "\($0)" }
    }
  }

  /// Loads the forwarder with more than it can take and measures.
  func saturate() throws(BenchFailure) -> Figures {
    let sink = try Sink(
      site, up: upShape, down: Sink.Shape(head: 0, stride: TrafficMaker.packetBytes),
      measuresLatency: false, cpu: layout.sink)
    try prime(sink)
    let senders = try startSenders(sink)
    pause(seconds: Self.settleSeconds)
    let before = try look(sink, senders)
    pause(seconds: order.seconds)
    let after = try look(sink, senders)
    return figures(before, after)
  }

  private var upShape: Sink.Shape {
    let payload = TrafficMaker.packetBytes
    return order.kind == .martlet
      ? Sink.Shape(head: 16, stride: 9 + payload)
      : Sink.Shape(head: 0, stride: TrafficMaker.baselineHeaderBytes + payload)
  }

  /// Packets in the bundles of our transceivers: what one of 1,400 bytes holds.
  private static let packetsDown = 7

  private func trafficDown() -> [Traffic] {
    order.kind == .martlet ? maker.bundlesDown(packets: Self.packetsDown) : maker.singlesDown()
  }

  /// Every transceiver speaks to all its clients: a relay that has no routes learns them.
  private func prime(_ sink: Sink) throws(BenchFailure) {
    guard order.kind == .martlet else { return }
    for (number, traffic) in trafficDown().enumerated() {
      var primer = Sender.Order(descriptor: site.transceivers[number].descriptor)
      primer.rate = 20_000
      primer.limit = traffic.count
      let before = sink.count(Sink.down).packets
      let sender = try Sender(traffic, primer)
      sender.wait()
      for _ in 0..<100 where sink.count(Sink.down).packets - before < sender.sent {
        pause(seconds: 0.01)
      }
      guard sink.count(Sink.down).packets - before >= sender.sent else {
        throw BenchFailure("\(order.kind.rawValue) lost packets before the run began")
      }
    }
  }

  private func startSenders(_ sink: Sink) throws(BenchFailure) -> [Sender] {
    var senders: [Sender] = []
    let direction = order.benchCase.direction
    if direction != .down {
      let traffic = maker.media()
      for (number, cpu) in layout.senders.enumerated() {
        var order = Sender.Order(descriptor: site.clients[number].descriptor)
        order.first = number
        order.step = layout.senders.count
        order.cpu = cpu
        senders.append(try Sender(traffic, order))
      }
    }
    if direction != .up {
      for (transceiver, traffic) in trafficDown().enumerated() {
        let count = direction == .both ? 1 : layout.senders.count
        for number in 0..<count {
          var order = Sender.Order(descriptor: site.transceivers[transceiver].descriptor)
          order.first = number
          order.step = count
          order.cpu = layout.senders[number]
          if direction == .both { order.follows = (sink, Sink.up) }
          senders.append(try Sender(traffic, order))
        }
      }
    }
    return senders
  }

  private struct Look {
    var moment: UInt64
    var usage: ct_usage
    var up: Sink.Count
    var down: Sink.Count
    var sent: Int
  }

  private func look(_ sink: Sink, _ senders: [Sender]) throws(BenchFailure) -> Look {
    Look(
      moment: monotonicNanoseconds(), usage: try forwarder.usage(), up: sink.count(Sink.up),
      down: sink.count(Sink.down), sent: senders.reduce(0) { $0 + $1.sent })
  }

  private func figures(_ before: Look, _ after: Look) -> Figures {
    let up = after.up - before.up
    let down = after.down - before.down
    let wall = Double(after.moment - before.moment)
    let run = Double(after.usage.run - before.usage.run)
    let wait = Double(after.usage.wait - before.usage.wait)
    return Figures(
      packets: up.forwarded + down.forwarded, sent: after.sent - before.sent, seconds: wall / 1e9,
      cpu: run, busy: (run + wait) / wall,
      switches: Int(after.usage.switches - before.usage.switches),
      packetsPerDatagram: up.datagrams > 0 ? Double(up.packets) / Double(up.datagrams) : 1)
  }
}
