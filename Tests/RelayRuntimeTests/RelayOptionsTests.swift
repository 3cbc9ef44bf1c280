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

  private func refusal(
    own: Set<TransportAddress> = [], _ change: (inout RelayOptions) -> Void
  ) -> String? {
    var random = SeededRandom(seed: 1)
    var options = RelayOptions(
      listeners: [listener], trunk: trunk, transceivers: [entry],
      keys: RoutingKeys.generate(random: &random))
    change(&options)
    do {
      try options.check(ownAddresses: own)
      return nil
    } catch {
      return error.description
    }
  }

  private func transceiver(id node: UInt16 = 1, _ address: TransportAddress) -> TransceiverEntry {
    TransceiverEntry(id: TransceiverID(node: node, shard: 0), address: address)
  }

  @Test func ordinaryOptionsAreTaken() {
    #expect(refusal { _ in } == nil)
    #expect(refusal { $0.workers = 64 } == nil)
    #expect(refusal { $0.signsTrunk = false } == nil)
  }

  @Test func aTrunkLeftOnLoopbackReachesNoOtherMachine() {
    let far = TransportAddress(ipv4: 0x0A00_0005, port: 4_000)
    let text = refusal { $0.transceivers = [entry, transceiver(id: 2, far)] }
    #expect(text?.contains("--trunk 127.0.0.1:5000 is a loopback address") == true)
    #expect(text?.contains("transceiver 2.0 at 10.0.0.5:4000") == true)
    // An address of this machine is reached from there.
    let own = Set([TransportAddress(ipv4: 0x0A00_0005, port: 0)])
    #expect(refusal(own: own) { $0.transceivers = [transceiver(far)] } == nil)
    #expect(
      refusal { options in
        options.transceivers = [transceiver(far)]
        options.trunk = TransportAddress(ipv4: 0x0A00_0007, port: 5_000)
      } == nil)
    let sixth = refusal { options in
      options.trunk = TransportAddress(high: 0, low: 1, port: 0)
      options.transceivers = [
        transceiver(TransportAddress(high: 0x2001_0DB8 << 32, low: 5, port: 4_000))
      ]
    }
    #expect(sixth?.contains("--trunk [::1]:0 is a loopback address") == true)
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
    let here = TransportAddress(ipv4: 0x0A00_0002, port: 0)
    for signsTrunk in [true, false] {
      let text = refusal { options in
        options.transceivers = [transceiver(far)]
        options.trunk = here
        options.signsTrunk = signsTrunk
      }
      #expect(
        text == (signsTrunk ? nil : "a trunk without a key is for the loopback interface only"))
    }
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
