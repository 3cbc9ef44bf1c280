import CallClient
import Session
import Testing
import Wire

/// One lost datagram anywhere in the set-up costs less than 150 ms of virtual time.
@Suite("Losses in the set-up")
struct SetUpLossTests {
  private static let costMaxMilliseconds: UInt64 = 150

  private func connectTime(
    _ setup: CallClientOptions.Setup, losing place: (way: CallPair.Way, index: Int)?
  ) throws -> (milliseconds: UInt64, datagrams: [CallPair.Way: Int])? {
    var count: [CallPair.Way: Int] = [:]
    let call = try CallPair(setup: setup) { datagram in
      count[datagram.way] = datagram.index + 1
      if let place, datagram.way == place.way, datagram.index == place.index { return [] }
      return [1]
    }
    call.run(5_000) {
      call.isConnected && call.client.figures.packetsReceived > 0
        && call.session.figures.rtpAccepted > 0
    }
    guard call.isConnected, call.session.figures.rtpAccepted > 0 else { return nil }
    return (call.elapsedMilliseconds, count)
  }

  @Test(
    "each datagram in turn",
    arguments: [
      CallClientOptions.Setup.actpass, .active,
    ], [CallPair.Way.up, .down])
  func eachInTurn(setup: CallClientOptions.Setup, way: CallPair.Way) throws {
    let usual = try #require(try connectTime(setup, losing: nil))
    let count = try #require(usual.datagrams[way])
    #expect(count >= 3)
    for index in 0..<count {
      let disturbed = try connectTime(setup, losing: (way, index))
      let took = try #require(disturbed?.milliseconds, "\(way) \(index): never")
      #expect(took < usual.milliseconds + Self.costMaxMilliseconds, "\(way) \(index)")
    }
  }

  @Test("a bad network delays a call, it does not prevent it", arguments: 1...20)
  func badNetwork(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let call = try CallPair(seed: seed) { _ in
      var arrivals: [UInt64] = []
      // 20 % lost, 2 % twice, 40 to 60 ms.
      if Int.random(in: 0..<100, using: &random) >= 20 {
        arrivals.append(.random(in: 40...60, using: &random))
      }
      if Int.random(in: 0..<100, using: &random) < 2 {
        arrivals.append(.random(in: 40...60, using: &random))
      }
      return arrivals
    }
    // As long as a handshake is tried.
    call.run(10_000) { call.isConnected }
    #expect(call.isConnected, "seed \(seed)")
    call.run(5_000)
    #expect(call.client.figures.packetsReceived > 150, "seed \(seed)")
    #expect(call.session.end == nil)
  }
}
