import CPacketLoop
import Glibc
import TestSupport
import Testing

/// A loop whose one socket sends frames, driven step by step: each turn does one step.
private final class FrameLoop {
  let test: TestLoop
  let socket: UdpSocket

  init(_ local: String, port: UInt16 = 0) throws {
    test = try TestLoop(queue: 1024)
    socket = try test.addSocket(local: .of(local, port: port))
  }

  /// Turns on the sending of frames; the reason when it is refused.
  func sendFrames(queue: UInt32 = 0) -> String? {
    var error = pl_error()
    let status = unsafe pl_loop_send_frames(test.loop, 0, queue, &error)
    return status == 0 ? nil : error.sentence
  }

  /// Sends all of them in one batch.
  func send(_ datagrams: [[UInt8]], to peer: pl_address) {
    var peer = peer
    let all = [0] + datagrams.joined()
    unsafe all.withUnsafeBufferPointer { all in
      var place = 1
      for bytes in datagrams {
        unsafe pl_loop_send(
          test.loop, 0, all.baseAddress! + place, UInt32(bytes.count), &peer)
        place += bytes.count
      }
      unsafe pl_loop_flush(test.loop)
    }
  }

  /// Does the steps, each in a turn of its own and again until it says that it is done. False when
  /// not all were within a minute.
  func play(_ steps: [() throws -> Bool]) throws -> Bool {
    var next = 0
    var failure: (any Error)?
    let limit = pl_now() + 60_000_000_000
    unsafe test.handlers.onTurn = { [test] _, now in
      do {
        if next < steps.count, try steps[next]() { next += 1 }
      } catch {
        failure = error
      }
      if next == steps.count || now > limit || failure != nil { unsafe pl_loop_stop(test.loop) }
      return now + 1_000_000
    }
    test.run()
    if let failure { throw failure }
    return next == steps.count
  }

  /// What is sent for warming up.
  static let warmth: [UInt8] = [7, 7, 7]

  /// A step that waits until the peer is sent to by frames.
  func warmUp(_ peer: pl_address, _ sink: UdpSocket) -> () throws -> Bool {
    return { [self] in
      let before = test.counters.sent_as_frames
      send([Self.warmth], to: peer)
      _ = sink.receive(within: 100)
      return test.counters.sent_as_frames > before
    }
  }
}

extension pl_address {
  /// From the text of an IP address.
  static func of(_ text: String, port: UInt16 = 0) -> pl_address {
    var address = pl_address.loopback(port: port)
    unsafe withUnsafeMutableBytes(of: &address.ip) { bytes in
      let isIPv6 = text.contains(":")
      let place = unsafe bytes.baseAddress! + (isIPv6 ? 0 : 12)
      let status = unsafe inet_pton(isIPv6 ? AF_INET6 : AF_INET, text, place)
      precondition(status == 1)
    }
    return address
  }
}

extension pl_counters {
  fileprivate var failed: UInt64 {
    failed_full + failed_refused + failed_too_big + failed_not_permitted + failed_other
  }
}

/// What a test saw on its thread.
private struct Seen {
  var isComplete = false
  var came: [[UInt8]] = []
  var counters = pl_counters()

  /// Whether just these came, in any order.
  func hasSeen(_ datagrams: [[UInt8]]) -> Bool {
    let others = came.filter { $0 != FrameLoop.warmth }
    return others.count == datagrams.count && Set(others) == Set(datagrams)
  }

  /// Takes what comes until `count` are there: the kernel may bring them later than it took them.
  /// Gives up when nothing comes for `milliseconds`.
  mutating func wait(for count: Int, at sink: UdpSocket, milliseconds: Int32 = 60_000) {
    while came.count(where: { $0 != FrameLoop.warmth }) < count,
      let next = sink.receive(within: milliseconds)
    {
      came.append(next)
    }
    came += sink.receiveWaiting()
  }
}

@Suite(.enabled(if: TwoHosts.arePermitted, TwoHosts.need)) struct FramesTests {
  /// Datagrams of every length that goes through the wire, each different.
  private static let everyLength = (0...1472).map { length in
    (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ length) }
  }

  /// The peer checks both checksums, and, being connected, where the datagram says it is from.
  @Test(arguments: [
    ("10.9.0.1", "10.9.0.2"), ("10.9.0.1", "10.10.3.4"), ("fd00:9::1", "fd00:9::2"),
    ("fd00:9::1", "fd00:10::34"),
  ]) func everyLengthArrives(_ local: String, _ remote: String) throws {
    let longest = local.contains(":") ? 1452 : 1472
    let all = Array(Self.everyLength[...longest])
    let seen = try TwoHosts.run { hosts in
      let loop = try FrameLoop(local)
      let sink = try hosts.over { try UdpSocket(.of(remote, port: 0)) }
      try hosts.over { try sink.connect(to: loop.socket.address) }
      #expect(loop.sendFrames() == nil)
      var seen = Seen()
      seen.isComplete = try loop.play([
        loop.warmUp(sink.address, sink),
        {
          for first in stride(from: 0, to: all.count, by: 50) {
            let some = all[first..<min(first + 50, all.count)]
            loop.send(Array(some), to: sink.address)
            seen.wait(for: first + some.count, at: sink, milliseconds: 1_000)
          }
          return true
        },
      ])
      seen.wait(for: all.count, at: sink)
      seen.counters = loop.test.counters
      return seen
    }
    #expect(seen.isComplete)
    #expect(seen.hasSeen(all))
    // But for one a second, by which the kernel keeps knowing the neighbour.
    #expect(seen.counters.sent_as_frames > UInt64(all.count / 2))
    #expect(seen.counters.failed == 0)
  }

  @Test func whatIsTooLongOrOfTheOtherFamilyGoesTheOldWay() throws {
    let seen = try TwoHosts.run { hosts in
      let loop = try FrameLoop("10.9.0.1")
      let sink = try hosts.over { try UdpSocket(.of("10.9.0.2", port: 0)) }
      #expect(loop.sendFrames() == nil)
      var seen = Seen()
      seen.isComplete = try loop.play([
        loop.warmUp(sink.address, sink),
        {
          seen.counters = loop.test.counters
          loop.send([[UInt8](repeating: 1, count: 1473)], to: sink.address)
          loop.send([[1]], to: .of("fd00:9::2", port: 9))
          loop.send([[1]], to: .of("10.9.0.2", port: 0))
          return true
        },
      ])
      let before = seen.counters
      seen.counters = loop.test.counters
      seen.counters.sent_as_frames -= before.sent_as_frames
      return seen
    }
    #expect(seen.isComplete)
    #expect(seen.counters.sent_as_frames == 0)
    #expect(seen.counters.failed_too_big == 1)
    #expect(seen.counters.failed == 3)
  }

  @Test func aNeighbourThatMovesIsFollowedAtOnce() throws {
    let seen = try TwoHosts.run { hosts in
      let loop = try FrameLoop("10.9.0.1")
      let sink = try hosts.over { try UdpSocket(.of("10.10.0.1", port: 0)) }
      #expect(loop.sendFrames() == nil)
      var seen = Seen()
      seen.isComplete = try loop.play([
        loop.warmUp(sink.address, sink),
        {
          try hosts.over { try TwoHosts.ip("link set there0 address 02:00:00:00:00:99") }
          try TwoHosts.ip(
            "neigh replace 10.9.0.2 lladdr 02:00:00:00:00:99 dev here0 nud permanent")
          return true
        },
        {
          loop.send(Self.everyLength.suffix(100), to: sink.address)
          return true
        },
      ])
      seen.wait(for: 100, at: sink)
      seen.counters = loop.test.counters
      return seen
    }
    #expect(seen.isComplete)
    #expect(seen.hasSeen(Self.everyLength.suffix(100)))
    #expect(seen.counters.sent_as_frames > 50)
    #expect(seen.counters.failed == 0)
  }

  /// Forgotten, it is asked for by what goes by the socket; then frames go there again.
  @Test func aNeighbourThatIsForgottenIsFoundAgain() throws {
    let seen = try TwoHosts.run { hosts in
      let loop = try FrameLoop("fd00:9::1")
      let sink = try hosts.over { try UdpSocket(.of("fd00:10::34", port: 0)) }
      #expect(loop.sendFrames() == nil)
      var seen = Seen()
      var asFrames: UInt64 = 0
      seen.isComplete = try loop.play([
        loop.warmUp(sink.address, sink),
        {
          try TwoHosts.ip("-6 neigh del fd00:9::2 dev here0")
          return true
        },
        {
          asFrames = loop.test.counters.sent_as_frames
          loop.send([[1], [2]], to: sink.address)
          seen.counters = loop.test.counters
          return true
        },
        loop.warmUp(sink.address, sink),
      ])
      seen.counters.sent_as_frames -= asFrames
      return seen
    }
    #expect(seen.isComplete)
    #expect(seen.counters.sent_as_frames == 0)
    #expect(seen.counters.failed == 0)
  }

  @Test func aRouteByAnotherInterfaceIsLeftToTheSocket() throws {
    let seen = try TwoHosts.run { hosts in
      let loop = try FrameLoop("10.9.0.1")
      let sink = try hosts.over {
        try TwoHosts.ip("link add there1 type veth peer name there2")
        return try UdpSocket(.of("10.10.0.1", port: 0))
      }
      try TwoHosts.ip("link add here1 type veth peer name here2")
      try TwoHosts.ip("link set here1 up")
      #expect(loop.sendFrames() == nil)
      var seen = Seen()
      var asFrames: UInt64 = 0
      seen.isComplete = try loop.play([
        loop.warmUp(sink.address, sink),
        {
          try TwoHosts.ip("route replace 10.10.0.0/16 dev here1")
          return true
        },
        {
          asFrames = loop.test.counters.sent_as_frames
          loop.send(Array(repeating: [1], count: 20), to: sink.address)
          return true
        },
        {
          loop.send(Array(repeating: [1], count: 20), to: sink.address)
          seen.counters = loop.test.counters
          try TwoHosts.ip("route replace 10.10.0.0/16 via 10.9.0.2")
          return true
        },
        loop.warmUp(sink.address, sink),
      ])
      seen.counters.sent_as_frames -= asFrames
      return seen
    }
    #expect(seen.isComplete)
    #expect(seen.counters.sent_as_frames == 0)
    #expect(seen.counters.passed_frames_by >= 40)
  }

  /// What waits and what comes is counted, and when the interface is back frames go again.
  @Test func anInterfaceThatGoesDownIsLeftAndTakenUpAgain() throws {
    let seen = try TwoHosts.run { hosts in
      let loop = try FrameLoop("10.9.0.1")
      let sink = try hosts.over { try UdpSocket(.of("10.9.0.2", port: 0)) }
      #expect(loop.sendFrames() == nil)
      var seen = Seen()
      var before = pl_counters()
      seen.isComplete = try loop.play([
        loop.warmUp(sink.address, sink),
        {
          before = loop.test.counters
          // In the midst of a turn: what is sent now goes to an interface that is down.
          try TwoHosts.ip("link set here0 down")
          loop.send(Array(repeating: [1], count: 30), to: sink.address)
          return true
        },
        {
          loop.send(Array(repeating: [1], count: 30), to: sink.address)
          seen.counters = loop.test.counters
          try TwoHosts.ip("link set here0 up")
          return true
        },
        loop.warmUp(sink.address, sink),
      ])
      seen.counters.sent -= before.sent
      seen.counters.sent_as_frames -= before.sent_as_frames
      return seen
    }
    #expect(seen.isComplete)
    #expect(seen.counters.sent_as_frames == 0)
    #expect(seen.counters.sent + seen.counters.failed == 60)
  }

  @Test(arguments: ["127.0.0.1", "::1"])
  func theLoopbackInterfaceTakesFramesWhereItMay(_ address: String) throws {
    let seen = try TwoHosts.run { _ in
      if address == "127.0.0.1" {
        try TwoHosts.set("ipv4/conf/lo/route_localnet", 1)
        try TwoHosts.set("ipv4/conf/lo/accept_local", 1)
      }
      let loop = try FrameLoop(address)
      let sink = try UdpSocket(.of(address, port: 0))
      #expect(loop.sendFrames() == nil)
      var seen = Seen()
      seen.isComplete = try loop.play([
        loop.warmUp(sink.address, sink),
        {
          loop.send(Self.everyLength.suffix(50), to: sink.address)
          return true
        },
      ])
      seen.wait(for: 50, at: sink)
      seen.counters = loop.test.counters
      return seen
    }
    #expect(seen.isComplete)
    #expect(seen.hasSeen(Self.everyLength.suffix(50)))
    #expect(seen.counters.sent_as_frames > 50)
  }

  @Test func theLoopbackInterfaceIsSparedWhereItWouldDropThem() throws {
    let seen = try TwoHosts.run { _ in
      let loop = try FrameLoop("127.0.0.1")
      let sink = try UdpSocket(.of("127.0.0.1", port: 0))
      #expect(loop.sendFrames() == nil)
      var seen = Seen()
      seen.isComplete = try loop.play(
        (0..<10 as Range<UInt8>).map { number in
          {
            loop.send([[number]], to: sink.address)
            return true
          }
        })
      seen.wait(for: 10, at: sink)
      seen.counters = loop.test.counters
      return seen
    }
    #expect(seen.isComplete)
    #expect(seen.hasSeen((0..<10).map { [$0] }))
    #expect(seen.counters.sent_as_frames == 0)
    #expect(seen.counters.passed_frames_by == 10)
  }

  @Test func refusalsAreSentences() throws {
    let sentences = try TwoHosts.run { _ in
      let first = try FrameLoop("10.9.0.1")
      let second = try FrameLoop("10.9.0.1")
      let wildcard = try FrameLoop("0.0.0.0")
      return [
        first.sendFrames(), second.sendFrames(), second.sendFrames(queue: 7),
        wildcard.sendFrames(),
      ].map { $0 ?? "" }
    }
    #expect(sentences[0] == "")
    #expect(sentences[1].contains("another AF_XDP socket has queue 0 of here0"))
    #expect(sentences[2].contains("here0 has no queue 7"))
    #expect(sentences[3].contains("no wildcard"))
  }
}
