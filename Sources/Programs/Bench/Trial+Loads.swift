import CTraffic

// The loads of a run, and what is seen of it.
extension Trial {
  /// How long a load runs before it is measured, in seconds.
  private static let settleSeconds = 0.2
  /// How long a slice of a run is, for latencies.
  private static let sliceSeconds = 0.05

  /// Loads the forwarder with more than it can take and measures.
  func saturate() throws(BenchFailure) -> Sample {
    if order.benchCase.load == .media { try prime() }
    if layout.senders.contains(layout.forwarder) { forwarder.stepBack() }
    return try measure(try startSenders(rate: 0))
  }

  /// Sends `rate` packets in a second to a forwarder that knows the clients, and measures.
  func pace(_ rate: Double) throws(BenchFailure) -> Sample {
    try prime()
    forwarder.stepForward()
    return try measure(try startSenders(rate: rate))
  }

  /// How many bytes the forwarder has when it knows the clients.
  func reside() throws(BenchFailure) -> Sample {
    try prime()
    var sample = Sample()
    sample.residentBytes = Double(forwarder.residentBytes)
    return sample
  }

  /// Every client sends 50 voice packets in a second, and strangers send four times as many checks
  /// with forged tokens.
  func hurt() throws(BenchFailure) -> Hurt {
    try prime()
    forwarder.stepForward()
    let voice = maker.fromClients(.media)
    let flood = maker.fromClients(order.flows..<order.flows + 4_096, .forged)
    let rate = order.flows * 50
    var flooder = Sender.Order(descriptor: site.clients[0].descriptor)
    flooder.cpu = layout.senders[0]
    flooder.rate = rate * 4
    flooder.injects = true
    let flooding = try Sender(flood, flooder)
    pause(seconds: Self.settleSeconds)
    let before = sink.count(Sink.up)
    let floodBefore = flooding.sent
    let start = monotonicNanoseconds()
    var speaking: [Sender] = []
    for number in layout.senders.indices {
      var sender = senderOrder(number, of: layout.senders.count, Double(rate), voice)
      sender.descriptor = site.clients[number].descriptor
      sender.limit = Int(Double(sender.rate) * order.seconds)
      speaking.append(try Sender(voice, sender))
    }
    let sent = speaking.reduce(0) { $0 + $1.finish() }
    let seconds = Double(monotonicNanoseconds() - start) / 1e9
    let floodRate = Double(flooding.sent - floodBefore) / seconds
    _ = settle { (sink.count(Sink.up) - before).packets >= sent }
    let missed = speaking.reduce(0) { $0 + $1.missed }
    return Hurt(
      sent: Double(sent), came: (sink.count(Sink.up) - before).forwarded, floodRate: floodRate,
      isLate: missed * 100 > sent || floodRate < 0.95 * Double(flooder.rate))
  }

  /// All senders of the case; `rate` is in packets a second for all together, 0 for as many as go.
  private func startSenders(rate: Double) throws(BenchFailure) -> [Sender] {
    var senders: [Sender] = []
    let direction = order.benchCase.direction
    if direction != .down {
      let traffic = maker.fromClients(order.benchCase.load)
      for number in layout.senders.indices where number < traffic.count {
        var sender = senderOrder(number, of: layout.senders.count, rate, traffic)
        sender.descriptor = site.clients[number].descriptor
        sender.stampOffset = order.measuresLatency ? maker.stampOffsetUp : nil
        senders.append(try Sender(traffic, sender))
      }
    }
    guard direction != .up else { return senders }
    for (transceiver, traffic) in maker.fromTransceivers().enumerated() {
      // Both ways: as much goes down as has come up, whatever the forwarder bears.
      let count = direction == .both ? 1 : min(layout.senders.count, traffic.count)
      for number in 0..<count {
        var sender = senderOrder(number, of: count, rate, traffic)
        sender.descriptor = site.transceivers[transceiver].descriptor
        if direction == .both { sender.follows = (sink, Sink.up) }
        senders.append(try Sender(traffic, sender))
      }
    }
    return senders
  }

  private func senderOrder(
    _ number: Int, of count: Int, _ rate: Double, _ traffic: Traffic
  ) -> Sender.Order {
    var sender = Sender.Order(descriptor: -1)
    sender.first = number
    sender.step = count
    sender.cpu = layout.senders[number]
    sender.injects = true
    sender.rate = Int(rate / Double(count * traffic.packetsEach))
    return sender
  }

  private struct Look {
    var moment: UInt64
    var usage: ct_usage
    var up: Sink.Count
    var down: Sink.Count
    var sent: Int
    var missed: Int
    var refused: Int
  }

  private func look(_ senders: [Sender]) throws(BenchFailure) -> Look {
    // In a flood nothing comes to our own sockets: what is dropped for a full queue, the forwarder
    // never saw.
    let drops = ct_queue_drops()
    return Look(
      moment: monotonicNanoseconds(), usage: try forwarder.usage(), up: sink.count(Sink.up),
      down: sink.count(Sink.down), sent: senders.reduce(0) { $0 + $1.sent },
      missed: senders.reduce(0) { $0 + $1.missed }, refused: Int(drops))
  }

  /// Waits for the time that is measured; gives the latencies of its slices.
  private func watch() -> [Histogram] {
    guard order.measuresLatency else {
      pause(seconds: order.seconds)
      return []
    }
    // This thread keeps away from the forwarder's CPU.
    let cpus = Processors.all()
    Processors.bind([layout.sink])
    defer { Processors.bind(cpus) }
    var slices: [Histogram] = []
    var before = sink.histogram
    for _ in 0..<max(1, Int(order.seconds / Self.sliceSeconds)) {
      pause(seconds: Self.sliceSeconds)
      let now = sink.histogram
      slices.append(now - before)
      before = now
    }
    return slices
  }

  private func measure(_ senders: [Sender]) throws(BenchFailure) -> Sample {
    pause(seconds: Self.settleSeconds)
    let before = try look(senders)
    let latencies = watch()
    let after = try look(senders)
    let up = after.up - before.up
    let down = after.down - before.down
    let wall = Double(after.moment - before.moment)
    var sample = Sample()
    sample.sent = Double(after.sent - before.sent)
    sample.packets =
      order.benchCase.isFlood
      ? max(0, sample.sent - Double(after.refused - before.refused)) : up.forwarded + down.forwarded
    sample.seconds = wall / 1e9
    sample.cpuNanoseconds = Double(after.usage.run - before.usage.run)
    let waited = Double(after.usage.wait - before.usage.wait)
    sample.busy = (sample.cpuNanoseconds + waited) / wall
    sample.waits = Double(after.usage.switches - before.usage.switches)
    sample.missed = Double(after.missed - before.missed)
    if up.datagrams > 0 {
      sample.packetsPerDatagram = Double(up.packets) / Double(up.datagrams)
    }
    sample.latencies = latencies
    sample.residentBytes = Double(forwarder.residentBytes)
    return sample
  }
}
