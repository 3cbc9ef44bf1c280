import Backends
import Log
import Runtime
import Testing
import Token
import TransceiverCore
import Wire

@testable import TransceiverRuntime

/// The connections beside calls between a shard and the web server: nothing of them stays.
@Suite struct ShardEffectsTests {
  private let mail = WebMail {}
  private let callID: CallID
  private let effects: ShardEffects

  init() {
    var random = SeededRandom(seed: 3)
    callID = CallIDSealer(RoutingKeys.generate(random: &random)).seal(
      TokenContents(cluster: 1, transceiver: IdleShard.transceiver, mintedMinutes: 1),
      random: &random)
    effects = ShardEffects(
      IdleShard.transceiver, registry: CallRegistry(shards: 1, maximum: 8), services: nil,
      webMail: mail, log: Log(program: "test", descriptor: -1))
  }

  @Test func eventsGoToTheClientsThatAreThere() {
    let lines = (1...3).map { SidebandLine(WebSocketID(number: $0)) }
    for line in lines { _ = effects.command(callID, line, .joined) }
    for client in 1...3 as ClosedRange<UInt32> {
      effects.perform(.toClient(client, EventMessage([1, 2, 3])))
    }
    #expect(lines.map(\.toClient.used) == [3, 3, 3])
    _ = effects.command(callID, lines[0], .left)
    effects.perform(.closeClient(2, code: 1_000, reason: "over"))
    for client in 1...4 as ClosedRange<UInt32> {
      effects.perform(.toClient(client, EventMessage([1, 2, 3])))
    }
    #expect(lines.map(\.toClient.used) == [3, 3, 6], "who is gone gets nothing")
    let letters = mail.collect()
    #expect(letters.count == 5)
    guard case .close(let closed, code: 1_000, reason: "over") = letters[3] else {
      Issue.record("\(letters[3])")
      return
    }
    #expect(closed === lines[1])
    effects.perform(.closeClient(3, code: 1_000, reason: "over"))
    effects.perform(.closeClient(3, code: 1_000, reason: "over"))
    #expect(mail.collect().count == 1)
    #expect(effects.sidebands.isEmpty)
  }

  /// What a client has said counts as on its way until the shard has it.
  @Test func whatAClientSaysIsGivenBack() {
    let line = SidebandLine(WebSocketID(number: 7))
    _ = effects.command(callID, line, .joined)
    #expect(line.toShard.take(5))
    guard
      case .clientEvent(callID, client: 7, [1, 2, 3, 4, 5]) = effects.command(
        callID, line, .said([1, 2, 3, 4, 5]))
    else {
      Issue.record("an event is an event")
      return
    }
    #expect(line.toShard.used == 0)
  }

  /// A client that does not read is sent away, and what is on its way to it is bounded.
  @Test func aClientThatDoesNotReadIsSentAway() {
    let line = SidebandLine(WebSocketID(number: 7))
    _ = effects.command(callID, line, .joined)
    let event = EventMessage([UInt8](repeating: 0, count: 1 << 20))
    for _ in 0..<6 { effects.perform(.toClient(7, event)) }
    #expect(line.toClient.used == 4 << 20)
    let closes = mail.collect().count { letter in
      if case .close(_, code: 1_008, _) = letter { true } else { false }
    }
    #expect(closes == 2)
  }
}
