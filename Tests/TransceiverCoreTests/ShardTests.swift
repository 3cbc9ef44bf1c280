import CallClient
import Json
import Session
import Signalling
import Testing
import Token
import Trunk
import Wire

@testable import TransceiverCore

/// What a shard tells of itself and of its calls.
@Suite struct ShardTests {
  private static let address = TransportAddress(ipv4: 0xC000_0201, port: 50_000)
  private static let otherAddress = TransportAddress(ipv4: 0xC000_0202, port: 50_000)

  private func figures(_ harness: ShardHarness) -> [String: UInt64] {
    let report = harness.shard.makeReport()
    return Dictionary(
      uniqueKeysWithValues: (report.figures + report.ends).map { ($0.name, $0.value) })
  }

  @Test func callsAreCountedWithTheirEnds() throws {
    let harness = try ShardHarness()
    let first = try harness.makeConnectedCall(from: Self.address)
    _ = try harness.makeConnectedCall(from: Self.otherAddress)
    try harness.hangUp(first)
    let figures = figures(harness)
    #expect(harness.shard.makeReport().calls == 1)
    #expect(figures["begun"] == 2)
    #expect(figures["ended_hung_up"] == 1)
    #expect(figures["ended_client_closed"] == 0)
    #expect(figures["packets"] ?? 0 > 0)
    #expect(figures["unknown_path"] == 0)
    let gone = harness.effects.compactMap { effect in
      if case .callEnded(let call) = effect { call.callID } else { nil }
    }
    #expect(gone == [first.callID])
  }

  @Test func latenessIsCounted() throws {
    var limits = AdmissionLimits()
    limits.refuses = false
    let harness = try ShardHarness(admission: limits)
    harness.sendMilliseconds = ShardSecond.lateMilliseconds + 1
    _ = try harness.makeConnectedCall(from: Self.address)
    harness.run(4_000)
    let figures = figures(harness)
    #expect(figures["frames"] ?? 0 > 200)
    #expect(figures["frames_late"] == figures["frames"])
    #expect(figures["late_percent"] == 100)
    #expect(figures["overloaded"] == 1 && figures["overloads"] == 1)
    #expect(callsMax(harness) == nil, "it was told only to say so")
  }

  private func callsMax(_ harness: ShardHarness) -> Int? {
    for case .callsMax(let most) in harness.effects.reversed() { return most }
    return nil
  }

  @Test func anOverloadedShardTakesNoNewCalls() throws {
    let harness = try ShardHarness()
    _ = try harness.makeConnectedCall(from: Self.address)
    for busy in [true, true, true, false, false, false, false, false, false] {
      harness.clocks.nanoseconds += 1_000_000_000
      harness.clocks.busyNanoseconds += busy ? 990_000_000 : 10_000_000
      harness.run(1_000)
      if busy { continue }
      if harness.effects.contains(where: {
        if case .load(.recovered, _, _, _) = $0 { true } else { false }
      }) {
        break
      }
      #expect(callsMax(harness) == 0)
    }
    #expect(callsMax(harness) ?? 0 > 0)
  }

  /// A call of which nothing was ever seen says so, and is counted.
  @Test func aCallThatNeverConnectedSaysWhatWasSeen() throws {
    let harness = try ShardHarness()
    let caller = try harness.makeCall(from: Self.address)
    caller.isUnheard = true
    harness.run(30_100)
    let end = harness.effects.compactMap { effect -> SessionFigures? in
      if case .event(caller.callID, .ended(.neverConnected, _, let figures)) = effect {
        return figures
      }
      return nil
    }
    #expect(end.map(\.setUp) == [.noCheck])
    #expect(figures(harness)["calls_unseen"] == 1)
  }

  /// Whoever waits for the call is told, and nothing of it stays.
  @Test func aCallThatCannotBeginIsRefusedWithTheReason() throws {
    let harness = try ShardHarness(failsDtls: true)
    let caller = try harness.makeCall(from: Self.address)
    #expect(harness.shard.callCount == 0)
    #expect(harness.effects.count == 2)
    guard case .event(caller.callID, .notBegun(let reason)) = harness.effects.first,
      case .callEnded(let call) = harness.effects.last
    else {
      Issue.record("\(harness.effects)")
      return
    }
    #expect(reason == "cannot make a DTLS endpoint: no memory")
    #expect(call.callID == caller.callID)
  }

  /// One trunk datagram may cause more than there is room for: the shard pauses, and every check
  /// is answered.
  @Test func aDatagramThatCausesTooMuchIsTakenInSteps() throws {
    let harness = try ShardHarness()
    let caller = try harness.makeConnectedCall(from: Self.address)
    harness.shard.setWay(to: ShardHarness.relay, bundleBytes: 130, wholeBytes: 1_472)
    let session = try #require(harness.session(of: caller))
    let before = (session.figures.stunAccepted, harness.datagramsSent)
    let checks = [[UInt8]](repeating: caller.lastCheck, count: 70)
    #expect(harness.inject(checks, from: Self.address) > 0)
    #expect(session.figures.stunAccepted == before.0 + 70)
    #expect(harness.datagramsSent >= before.1 + 70)
  }

  /// Each frame of voice to a service is an effect, and is copied.
  @Test func anEffectIsSmall() { #expect(MemoryLayout<ShardEffect>.stride <= 64) }

  /// Every trunk datagram ends in one counter.
  @Test func whatIsNoDatagramOfOursIsCounted() throws {
    let harness = try ShardHarness()
    func take(_ bytes: [UInt8], isTruncated: Bool = false) -> Bool {
      var bytes = bytes
      return unsafe bytes.withUnsafeMutableBytes {
        let received = unsafe ReceivedTrunkDatagram(
          bytes: $0, isTruncated: isTruncated, relay: ShardHarness.relay)
        if case .refused = harness.shard.takeDatagram(received, at: harness.now) { return true }
        return false
      }
    }
    #expect(take([]))
    #expect(take([UInt8](repeating: 7, count: 40)))
    #expect(take([], isTruncated: true))
    #expect(figures(harness)["truncated"] == 1)
    #expect((figures(harness)["malformed"] ?? 0) + (figures(harness)["forged"] ?? 0) == 2)
  }

  @Test func whatIsTold() throws {
    let harness = try ShardHarness()
    let caller = try harness.makeConnectedCall(
      from: TransportAddress("192.0.2.9:50009")!, channels: ["oai-events"])
    let update = #"{"type":"session.update","session":{"instructions":"Sing."}}"#
    _ = caller.client.send(Array(update.utf8), at: harness.now)
    harness.run(2_500)
    let figures = try JsonValue.parse(
      Array(#require(harness.figures(of: caller)).json(#require(caller.callID)).text.utf8))
    #expect(figures["state"]?.text == "connected")
    #expect(figures["srtp_profile"]?.text == "AEAD_AES_128_GCM")
    #expect(figures["route"]?["client"]?.text == "192.0.2.x:50009")
    let channels = try #require(figures["channels"])
    #expect(channels["open"] == .integer(1))
    #expect(channels["lost"] == .null)
    #expect(channels["events_received"] == .integer(1))
    #expect(channels["message_bytes_received"] == .integer(update.utf8.count))
    #expect(channels["sctp_retransmissions"] == .integer(0))
    #expect(channels["send_buffer_bytes"] == .integer(0))
    // session.created and session.updated at least; the tone makes more.
    guard case .integer(let sent) = channels["events_sent"],
      case .integer(let bytes) = channels["message_bytes_sent"]
    else {
      Issue.record("\(channels)")
      return
    }
    #expect(sent >= 2)
    #expect(bytes > 2 * update.utf8.count)
  }
}
