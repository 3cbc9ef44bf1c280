import Sctp
import Wire

/// Two associations joined by a wire on a virtual clock. Each packet passes `tamper`, which says
/// what arrives in its place, and takes `delayMilliseconds`.
final class SctpWire {
  enum End: Int { case a, b }

  let ends: [SctpAssociation]
  var tamper: (_ to: End, _ index: Int, _ packet: [UInt8]) -> [[UInt8]] = { [$2] }
  var delayMilliseconds: () -> UInt64 = { 5 }
  /// Everything that an end said, as long as `takesEvents` is true for it.
  var events: [[SctpEvent]] = [[], []]
  var takesEvents = [true, true]
  /// Every packet that an end has sent, lost ones too: to whom and what.
  private(set) var sent: [(to: End, bytes: [UInt8])] = []
  private(set) var now = Instant(nanoseconds: 1_000_000_000)
  /// The most that either end ever held.
  private(set) var heldBytesMax = 0
  private var inFlight: [(at: Instant, order: Int, to: End, bytes: [UInt8])] = []
  private var counts = [0, 0]
  private var order = 0

  init(seed: UInt64, _ tune: (inout SctpParameters, End) -> Void = { _, _ in }) {
    var random = SeededRandom(seed: seed)
    ends = [End.a, .b].map { end in
      var parameters = SctpParameters(streamParity: end == .a ? .even : .odd)
      parameters.peerMessageBytesMax = parameters.messageBytesMax
      tune(&parameters, end)
      return SctpAssociation(parameters, random: &random)
    }
  }

  var a: SctpAssociation { ends[0] }
  var b: SctpAssociation { ends[1] }
  var isUp: Bool { a.isUp && b.isUp }

  /// Starts one end or both and runs until both are up.
  @discardableResult
  func connect(_ starters: [End] = [.a]) -> Bool {
    for end in starters { ends[end.rawValue].start(at: now) }
    run { self.isUp }
    return isUp
  }

  /// Puts `bytes` into the hands of `end` at once.
  @discardableResult
  func inject(_ bytes: [UInt8], to end: End) -> SctpVerdict {
    let verdict = unsafe ends[end.rawValue].handle(bytes.span.bytes, at: now)
    collect()
    return verdict
  }

  /// Runs until `done`, until nothing is left to do, or until the virtual time is over.
  func run(forMilliseconds limit: UInt64 = 120_000, until done: () -> Bool = { false }) {
    let end = now.advanced(byMilliseconds: limit)
    collect()
    while !done() {
      let arrival = inFlight.first?.at ?? .never
      let next = min(arrival, min(a.deadline, b.deadline))
      guard next < .never, next <= end else { break }
      now = max(now, next)
      step()
    }
    if !done() { now = max(now, end) }
  }

  private func step() {
    while let packet = inFlight.first, packet.at <= now {
      inFlight.removeFirst()
      unsafe ends[packet.to.rawValue].handle(packet.bytes.span.bytes, at: now)
      collect()
    }
    for end in ends where end.deadline <= now { end.handleTimeout(at: now) }
    collect()
  }

  /// Takes what both ends have to say, until they are silent.
  func collect() {
    for (index, end) in ends.enumerated() {
      if takesEvents[index] {
        while let event = end.nextEvent() { events[index].append(event) }
      }
      while let packet = end.packet(at: now) { put(packet, to: index == 0 ? .b : .a) }
      let figures = end.figures
      heldBytesMax = max(heldBytesMax, figures.receiveBufferBytes, figures.sendBufferBytes)
    }
  }

  private func put(_ packet: [UInt8], to end: End) {
    sent.append((end, packet))
    let index = counts[end.rawValue]
    counts[end.rawValue] += 1
    for bytes in tamper(end, index, packet) {
      let at = now.advanced(byMilliseconds: delayMilliseconds())
      order += 1
      let entry = (at, order, end, bytes)
      let place = inFlight.firstIndex { ($0.at, $0.order) > (at, order) } ?? inFlight.count
      inFlight.insert(entry, at: place)
    }
  }
}

extension SctpAssociation {
  /// The next packet as an array.
  func packet(at now: Instant) -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 9_000)
    let count = unsafe buffer.withUnsafeMutableBytes { unsafe nextPacket(into: $0, at: now) }
    return count.map { Array(buffer[..<$0]) }
  }
}

/// What an end was told, for short.
extension [SctpEvent] {
  var messages: [(stream: UInt16, kind: SctpMessageKind, bytes: [UInt8])] {
    compactMap { event in
      if case .message(let stream, let kind, let bytes) = event {
        (stream, kind, bytes)
      } else {
        nil
      }
    }
  }

  var texts: [String] { messages.map { String(decoding: $0.bytes, as: UTF8.self) } }

  var opened: [SctpChannel] {
    compactMap { if case .channelOpened(let channel) = $0 { channel } else { nil } }
  }

  var closed: [UInt16] {
    compactMap { if case .channelClosed(let stream) = $0 { stream } else { nil } }
  }

  var loss: SctpLoss? {
    for case .associationLost(let loss) in self { return loss }
    return nil
  }
}

/// A packet of our own making, with the right checksum.
func packet(tag: UInt32, _ chunks: [UInt8]..., from: UInt16 = 5000, to: UInt16 = 5000) -> [UInt8] {
  func network(_ value: some FixedWidthInteger) -> [UInt8] {
    unsafe withUnsafeBytes(of: value.bigEndian) { unsafe Array($0) }
  }
  return withChecksum(network(from) + network(to) + network(tag) + [0, 0, 0, 0] + chunks.joined())
}

/// `packet` with its checksum made right.
func withChecksum(_ packet: [UInt8]) -> [UInt8] {
  guard packet.count >= 12 else { return packet }
  var packet = packet
  let checksum = unsafe Crc32c.ofPacket(packet.span.bytes)
  for index in 0..<4 { packet[8 + index] = UInt8(truncatingIfNeeded: checksum >> (8 * index)) }
  return packet
}

/// A chunk with a right length and padding.
func chunk(_ type: UInt8, flags: UInt8 = 0, _ body: [UInt8]) -> [UInt8] {
  let count = body.count + 4
  let padding = [UInt8](repeating: 0, count: -count & 3)
  return [type, flags, UInt8(count >> 8), UInt8(count & 0xFF)] + body + padding
}

func words(_ values: UInt32...) -> [UInt8] {
  values.flatMap {
    [UInt8($0 >> 24), UInt8($0 >> 16 & 0xFF), UInt8($0 >> 8 & 0xFF), UInt8($0 & 0xFF)]
  }
}

func word(_ bytes: [UInt8], at offset: Int) -> UInt32 {
  bytes[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
}

/// Bytes that tell where they were torn or mixed.
func pattern(_ count: Int, seed: UInt64) -> [UInt8] {
  var random = SeededRandom(seed: seed)
  return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
}
