import CallClient
import Session
import Testing
import Voice
import Wire

/// How a whole call's voice follows the network, on a virtual clock.
@Suite("Encoding follows the network")
struct EncodingTests {
  private static func isVoice(_ datagram: CallPair.Datagram) -> Bool {
    datagram.way == .down && (128..<192).contains(datagram.bytes[0])
      && !(192..<224).contains(datagram.bytes[1])
  }

  /// A call whose voice down meets `network`, from two seconds on, which gets the number of the
  /// packet.
  private static func call(
    red: CallClientOptions.Red = .none, feedback: Bool = true,
    network: @escaping (Int) -> [UInt64] = { _ in [20] },
    change: @escaping (inout SessionParameters) -> Void = { _ in }
  ) throws -> CallPair {
    var number = 0
    return try CallPair(
      network: { datagram in
        guard isVoice(datagram) else { return [20] }
        number += 1
        return number < 100 ? [20] : network(number)
      },
      offering: {
        $0.red = red
        $0.offersTransportFeedback = feedback
      },
      change: change)
  }

  private static func voice(_ call: CallPair, since index: Int = 0) -> [CallPair.Datagram] {
    call.sent[index...].filter(isVoice)
  }

  @Test("64 kbit/s after the first good news, with or without feedback on packets")
  func goodNetwork() throws {
    for feedback in [true, false] {
      let call = try Self.call(feedback: feedback)
      call.run(6_000)
      let plan = try #require(call.session.figures.encoding?.plan)
      #expect(plan.bitsPerSecond == 64_000)
      #expect(plan.coder == .celt)
      #expect(Self.voice(call).suffix(50).map(\.bytes.count).max() ?? 0 > 120)
      #expect(call.client.figures.tone.rightWindows > 15)
    }
  }

  @Test("lost packets are heard all the same where the client takes copies", arguments: [1, 2, 3])
  func copies(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let call = try Self.call(red: .afterOpus) { _ in
      random.next() % 100 < 2 ? [] : [20]
    }
    call.run(30_000)
    let figures = try #require(call.session.figures.encoding)
    #expect(figures.plan.carriesCopy)
    #expect(figures.lossPercent > 0)
    let types = Set(Self.voice(call).suffix(100).map { $0.bytes[1] & 0x7F })
    #expect(types.isSubset(of: [63, 111]) && types.contains(63))
  }

  @Test("a client that takes neither copies nor redundancy gets neither")
  func nothingTaken() throws {
    var random = SeededRandom(seed: 1)
    let call = try Self.call(
      network: { _ in random.next() % 100 < 10 ? [] : [20] },
      change: { $0.opus.usesForwardErrorCorrection = false })
    call.run(20_000)
    let plan = try #require(call.session.figures.encoding?.plan)
    #expect(plan.coder == .celt)
    #expect(plan.lossPercent == 0)
    #expect(!plan.carriesCopy)
  }

  @Test("on a narrow path packets get longer, and each frame is said once")
  func narrowPath() throws {
    // 40 kbit/s, and a queue of 600 ms.
    var free: Double = 0
    let call = try Self.call(red: .afterOpus)
    var dropped = 0
    let start = call.now
    call.network = { datagram in
      guard Self.isVoice(datagram) else { return [20] }
      let now = Double(call.now.milliseconds(since: start))
      let done = max(free, now) + Double((datagram.bytes.count + 28) * 8) / 40
      guard done - now < 600 else {
        dropped += 1
        return []
      }
      free = done
      return [20 + UInt64(done - now)]
    }
    call.run(10_000)
    let before = call.sent.count
    dropped = 0
    call.run(30_000)
    let plan = try #require(call.session.figures.encoding?.plan)
    #expect(plan.packetMilliseconds > 20)
    #expect(call.session.figures.encoding?.narrowings ?? 0 >= 1)
    #expect(dropped == 0)
    let packets = Self.voice(call, since: before)
    #expect(packets.count < 1_000, "\(packets.count) packets in 30 s")
    #expect(free - Double(call.now.milliseconds(since: start)) < 150)
    let times = packets.map { Self.timestamp($0.bytes) }
    let steps = zip(times.dropFirst(), times).map { $0 &- $1 }
    #expect(steps.allSatisfy { $0 % 960 == 0 && 960...2_880 ~= $0 })
    #expect(abs(Int(times.last! &- times.first!) - 30_000 * 48) < 6_000)
  }

  private static func timestamp(_ packet: [UInt8]) -> UInt32 {
    packet[4..<8].reduce(0) { $0 << 8 | UInt32($1) }
  }
}
