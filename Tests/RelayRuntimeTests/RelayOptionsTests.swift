import RelayCore
import Testing
import Token
import Wire

@testable import RelayRuntime

/// What a relay refuses before it opens anything, and the words for it.
@Suite struct RelayOptionsTests {
  private let listener = TransportAddress(ipv4: 0x7F00_0001, port: 3478)
  private let trunk = TransportAddress(ipv4: 0x7F00_0001, port: 5000)
  private let entry = TransceiverEntry(
    id: TransceiverID(node: 1, shard: 0), address: TransportAddress(ipv4: 0x7F00_0001, port: 4000))

  private func refusal(_ change: (inout RelayOptions) -> Void) -> String? {
    var random = SeededRandom(seed: 1)
    var options = RelayOptions(
      listeners: [listener], trunk: trunk, transceivers: [entry],
      keys: RoutingKeys.generate(random: &random))
    change(&options)
    do {
      try options.check()
      return nil
    } catch {
      return error.description
    }
  }

  private func transceiver(_ address: TransportAddress) -> TransceiverEntry {
    TransceiverEntry(id: entry.id, address: address)
  }

  @Test func ordinaryOptionsAreTaken() {
    #expect(refusal { _ in } == nil)
    #expect(refusal { $0.workers = 64 } == nil)
    #expect(refusal { $0.signsTrunk = false } == nil)
  }

  @Test func listenersHaveToBeThereAndUnlike() {
    #expect(refusal { $0.listeners = [] }?.contains("no address") == true)
    #expect(refusal { $0.listeners.append(listener) } == "127.0.0.1:3478 is given twice")
    let anyPort = TransportAddress(ipv4: 0x7F00_0001, port: 0)
    #expect(refusal { $0.listeners = [anyPort, anyPort] } == nil)
    #expect(
      refusal { options in
        options.listeners = (1...65).map { TransportAddress(ipv4: 1, port: $0) }
      }?.contains("65 listeners") == true)
  }

  @Test func aRelayDoesNotForwardToItself() {
    #expect(refusal { $0.transceivers = [transceiver(listener)] }?.contains("itself") == true)
    let second = TransportAddress(ipv4: 0x7F00_0001, port: 5001)
    #expect(refusal { $0.transceivers = [transceiver(second)] } == nil)
    #expect(
      refusal { options in
        options.transceivers = [transceiver(second)]
        options.workers = 2
      }?.contains("itself") == true)
  }

  @Test func aTrunkWithoutKeyStaysOnTheMachine() {
    let far = TransportAddress(ipv4: 0x0A00_0001, port: 4000)
    #expect(refusal { $0.transceivers = [transceiver(far)] } == nil)
    #expect(
      refusal { options in
        options.transceivers = [transceiver(far)]
        options.signsTrunk = false
      }?.contains("loopback") == true)
  }

  @Test func whatCannotWorkIsNamed() {
    #expect(refusal { $0.workers = 0 }?.contains("0 workers") == true)
    #expect(refusal { $0.workers = 65 }?.contains("65 workers") == true)
    #expect(refusal { $0.bundleBytes = 100 }?.contains("100 bytes") == true)
    #expect(refusal { $0.transceivers = [] } == "no transceiver is given")
    let six = TransportAddress(high: 0, low: 1, port: 4000)
    #expect(
      refusal { $0.transceivers = [transceiver(six)] }?.contains("cannot be reached") == true)
    #expect(
      refusal { options in
        options.trunk.port = 65_535
        options.workers = 2
      }?.contains("trunk ports") == true)
  }
}
