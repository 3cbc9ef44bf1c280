import Dtls
import Testing
import Wire

/// One datagram lost, whichever it is, costs less than 150 ms (the promise P8 of the project).
@Suite struct LossTests {
  static let mtus = [1200, 300]

  @Test(arguments: [LossyWire.End.a, .b], mtus)
  func anyOneDatagramMayBeLost(to end: LossyWire.End, mtu: Int) throws {
    let whole = try makePair { $0.mtu = mtu }
    whole.startBoth()
    whole.run()
    #expect(whole.isConnected)
    let count = whole.sent.count { $0.to == end }
    #expect(count >= (mtu == 300 ? 3 : 2))
    for lost in 0..<count {
      let wire = try makePair { $0.mtu = mtu }
      wire.tamper = { $0.to == end && $0.index == lost ? [] : [$0.bytes] }
      wire.startBoth()
      wire.run()
      #expect(wire.isConnected, "lost \(lost) to \(end)")
      #expect(wire.elapsedMilliseconds < 150, "lost \(lost) to \(end)")
      // A repeated fragment may make an end read its message anew.
      #expect(wire.a.counters.restarts + wire.b.counters.restarts <= 1)
      #expect(wire.a.counters.implausible + wire.b.counters.implausible == 0)
    }
  }

  @Test func anyOneDatagramMayComeTwiceOrBeDamaged() throws {
    for index in 0..<4 {
      for end in [LossyWire.End.a, .b] {
        let twice = try makePair()
        twice.tamper = { $0.to == end && $0.index == index ? [$0.bytes, $0.bytes] : [$0.bytes] }
        twice.startBoth()
        twice.run()
        #expect(twice.isConnected)
        #expect(twice.elapsedMilliseconds == 4)

        let damaged = try makePair()
        damaged.tamper = { datagram in
          // A damaged but sound ClientHello is a ClientHello: UDP's checksum has to catch that.
          guard datagram.to == end, datagram.index == index, datagram.bytes[13] != 1 else {
            return [datagram.bytes]
          }
          return [datagram.bytes.dropLast(7) + [1, 2, 3, 4, 5, 6, 7]]
        }
        damaged.startBoth()
        damaged.run()
        #expect(damaged.isConnected, "damaged \(index) to \(end)")
      }
    }
  }

  /// Datagrams of one flight that arrive in the opposite order.
  @Test func fragmentsMayBeSwapped() throws {
    let wire = try makePair { $0.mtu = 300 }
    var held: [UInt8]?
    wire.tamper = { datagram in
      if let first = held {
        held = nil
        return [datagram.bytes, first]
      }
      guard datagram.index % 2 == 0, datagram.bytes[0] == 22, datagram.index < 3 else {
        return [datagram.bytes]
      }
      held = datagram.bytes
      return []
    }
    wire.startBoth()
    wire.run()
    #expect(wire.isConnected)
    #expect(wire.elapsedMilliseconds < 300)
  }

  /// 20 % lost, 5 % twice, 40 to 60 ms, so that the datagrams of a flight overtake each other.
  @Test(arguments: 1...40) func aBadNetworkStillConnects(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let wire = try makePair(seed: seed) { $0.mtu = seed % 2 == 0 ? 1200 : 300 }
    wire.delay = { .random(in: 40...60, using: &random) }
    wire.tamper = { datagram in
      switch UInt64.random(in: 0..<100, using: &random) {
      case 0..<20: return []
      case 20..<25: return [datagram.bytes, datagram.bytes]
      default: return [datagram.bytes]
      }
    }
    wire.startBoth()
    wire.run()
    #expect(wire.isConnected)
    #expect(wire.elapsedMilliseconds < 5_000)
  }

  @Test func silenceEndsInATimeout() throws {
    let wire = try makePair()
    wire.tamper = { _ in [] }
    wire.startBoth()
    wire.run()
    #expect(wire.a.state == .failed(.timedOut))
    #expect(wire.b.state == .failed(.timedOut))
    #expect(wire.elapsedMilliseconds <= 10_000)
    #expect(wire.a.srtpKeys == nil)
    #expect(wire.a.deadline == .never)
  }

  @Test func theFirstRepetitionsComeAfter60And120Milliseconds() throws {
    let wire = try makePair()
    wire.tamper = { _ in [] }
    wire.a.start(at: wire.now)
    var gaps: [UInt64] = []
    var now = wire.now
    for _ in 0..<6 {
      gaps.append(wire.a.deadline.milliseconds(since: now))
      now = wire.a.deadline
      wire.a.handleTimeout(at: now)
      #expect(wire.a.datagrams().count >= 1)
    }
    #expect(gaps == [60, 120, 240, 480, 960, 1000])
  }

  /// Each repetition is the whole flight, under record numbers that were not used before: a peer
  /// takes others for replays, and would not say again what was lost of its own.
  @Test(arguments: [DtlsRole.active, .passive], [228, 1200])
  func eachRepetitionIsWholeAndNew(role: DtlsRole, mtu: Int) throws {
    let wire = try makePair { $0.mtu = mtu }
    wire.startBoth(collecting: false)
    wire.give(wire.a.datagrams(), to: .b)
    var flight = wire.b.datagrams()
    if role == .active {
      wire.give(flight, to: .a)
      flight = wire.a.datagrams()
    }
    let end = wire.endpoint(role == .active ? .a : .b)
    var numbers = Set(flight.flatMap(\.records).map { Array($0[3..<11]) })
    for _ in 0..<12 {
      end.handleTimeout(at: end.deadline)
      let records = end.datagrams().flatMap(\.records)
      #expect(bytesOfMessages(records) == bytesOfMessages(flight.flatMap(\.records)))
      for record in records { #expect(numbers.insert(Array(record[3..<11])).inserted) }
    }
    #expect(end.state == .handshaking)
  }

  /// By content type, epoch, and message when that is in the clear; repetitions may be cut at other
  /// places than the first sending was.
  private func bytesOfMessages(_ records: [[UInt8]]) -> [[UInt8]: Int] {
    var bytes: [[UInt8]: Int] = [:]
    for record in records {
      let isMessage = record[0] == 22 && record[4] == 0
      let name = [record[0], record[4]] + (isMessage ? [record[13], record[18]] : [])
      bytes[name, default: 0] += record.count - (isMessage ? 25 : 13)
    }
    return bytes
  }
}
