import Sctp
import Wire

/// A peer made by hand: it speaks packets that the test writes, so it may lie.
final class HandPeer {
  let association: SctpAssociation
  var now = Instant(nanoseconds: 1_000_000_000)
  var events: [SctpEvent] = []
  /// Chunks of the packets that came back, type and body.
  var replies: [(tag: UInt32, type: UInt8, flags: UInt8, body: [UInt8])] = []
  /// The association's tag, ours, and our next TSN.
  private(set) var theirTag: UInt32 = 0
  private(set) var theirTsn: UInt32 = 0
  let ourTag: UInt32 = 0x1111_2222
  var tsn: UInt32
  private(set) var cookie: [UInt8] = []

  init(
    seed: UInt64 = 1, firstTsn: UInt32 = 1_000, parity: SctpStreamParity = .odd,
    _ tune: (inout SctpParameters) -> Void = { _ in }
  ) {
    var random = SeededRandom(seed: seed)
    var parameters = SctpParameters(streamParity: parity)
    tune(&parameters)
    association = SctpAssociation(parameters, random: &random)
    tsn = firstTsn
  }

  /// The body of an INIT or INIT ACK of ours.
  func offer(tag: UInt32? = nil, window: UInt32 = 1 << 20) -> [UInt8] {
    words(tag ?? ourTag, window, 0xFFFF_FFFF, tsn) + extensions
  }

  /// FORWARD TSN and RE-CONFIG, unless a test takes them away.
  var extensions = words(0xC000_0004, 0x8008_0006, 0x82C0_0000)

  /// Gets a cookie for an INIT.
  func initiate(tag: UInt32? = nil) {
    give(tag: 0, chunk(1, offer(tag: tag)))
    guard let answer = replies.last(where: { $0.type == 2 }) else { return }
    theirTag = word(answer.body, at: 0)
    theirTsn = word(answer.body, at: 12)
    var offset = 16
    while offset + 4 <= answer.body.count {
      let count = Int(word(answer.body, at: offset) & 0xFFFF)
      if answer.body[offset + 1] == 7, answer.body[offset] == 0 {
        cookie = Array(answer.body[offset + 4..<offset + count])
      }
      offset += (count + 3) & ~3
    }
  }

  /// The whole handshake.
  func connect() {
    initiate()
    give(chunk(10, cookie))
  }

  /// Gives one packet of these chunks and takes everything that comes back.
  @discardableResult
  func give(tag: UInt32? = nil, _ chunks: [UInt8]...) -> SctpVerdict {
    give(raw: packet(tag: tag ?? theirTag, Array(chunks.joined())))
  }

  @discardableResult
  func give(raw: [UInt8]) -> SctpVerdict {
    let verdict = unsafe association.handle(raw.span.bytes, at: now)
    collect()
    return verdict
  }

  /// Lets the time pass, timers included.
  func wait(milliseconds: UInt64) {
    let end = now.advanced(byMilliseconds: milliseconds)
    while association.deadline <= end {
      now = max(now, association.deadline)
      association.handleTimeout(at: now)
      collect()
    }
    now = end
  }

  func collect() {
    while let event = association.nextEvent() { events.append(event) }
    collectPackets()
  }

  func collectPackets() {
    while let packet = association.packet(at: now) {
      var offset = 12
      while offset + 4 <= packet.count {
        let count = Int(word(packet, at: offset) & 0xFFFF)
        replies.append(
          (
            word(packet, at: 4), packet[offset], packet[offset + 1],
            Array(packet[offset + 4..<offset + count])
          ))
        offset += (count + 3) & ~3
      }
    }
  }

  func count(of type: UInt8) -> Int { replies.filter { $0.type == type }.count }

  func last(_ type: UInt8) -> [UInt8]? { replies.last { $0.type == type }?.body }

  /// A DATA chunk with our next TSN, or with another.
  func data(
    stream: UInt16, sequence: UInt16, protocolID: UInt32 = 51, flags: UInt8 = 3,
    tsn other: UInt32? = nil, _ bytes: [UInt8]
  ) -> [UInt8] {
    let number = other ?? tsn
    if other == nil { tsn &+= 1 }
    let streamAndSequence = UInt32(stream) << 16 | UInt32(sequence)
    return chunk(0, flags: flags, words(number, streamAndSequence, protocolID) + bytes)
  }

  /// A DATA chunk with DATA_CHANNEL_OPEN.
  func open(stream: UInt16, label: String = "x") -> [UInt8] {
    let label = Array(label.utf8)
    let body = [3, 0, 1, 0, 0, 0, 0, 0, 0, UInt8(label.count), 0, 0] + label
    return data(stream: stream, sequence: 0, protocolID: 50, body)
  }
}
