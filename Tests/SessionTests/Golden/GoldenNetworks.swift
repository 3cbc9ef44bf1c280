import CallClient
import Session
import Testing
import Wire

/// The scripts of calls over networks that lose, delay and change.
extension GoldenCallTests {
  static func losses(_ journal: CallJournal) throws {
    var random = SeededRandom(seed: 5)
    let call = try CallPair(
      journal: journal, network: { _ in [20] },
      offering: {
        $0.offersNack = true
        $0.red = .beforeOpus
        $0.offersTransportFeedback = true
      })
    call.run(1_000)
    call.network = { datagram in
      let roll = random.next() % 100
      guard datagram.bytes[0] >= 128 else { return [20] }
      return roll < 12 ? [] : roll < 15 ? [20, 45] : [roll < 25 ? 60 : 20]
    }
    call.run(4_000)
    // The caller asks again for three packets of the last, and for one that was never sent.
    let last = number(try #require(call.sent.last { $0.way == .down && isVoice($0) }).bytes, 2, 2)
    for behind in [2, 3, 5, -40] {
      try RepairTests.ask(call, for: UInt16(truncatingIfNeeded: last - behind))
    }
    call.run(1_000)
    call.hangUp()
    call.run(200)
    journal.finish(call)
    try handshakeLosses(journal)
    try narrow(journal)
  }

  /// The first datagrams of either side are lost, whoever begins DTLS.
  private static func handshakeLosses(_ journal: CallJournal) throws {
    for setup in [CallClientOptions.Setup.active, .passive] {
      journal.title("the first of each side are lost, \(setup)")
      let call = try CallPair(setup: setup, journal: journal) { datagram in
        datagram.bytes[0] >= 128 || datagram.index % 2 == 1 || datagram.index > 6 ? [20] : []
      }
      call.run(3_000) { call.isConnected }
      call.run(100)
      end(call, journal)
    }
  }

  /// What we say passes a way of 30 kbit/s that keeps what it cannot carry yet.
  private static func narrow(_ journal: CallJournal) throws {
    journal.title("a narrow way")
    let call = try CallPair(
      journal: journal, network: { _ in [20] }, offering: { $0.offersTransportFeedback = true })
    call.run(1_000)
    var freeAt: UInt64 = 0
    call.network = { [unowned call] datagram in
      guard datagram.way == .down else { return [20] }
      let now = call.elapsedMilliseconds
      freeAt = max(freeAt, now) + UInt64(datagram.bytes.count + 28) * 8 / 30
      return [20 + freeAt - now]
    }
    call.run(6_000)
    end(call, journal)
  }

  /// A NAT that changes its mapping, twice; the server is the one that begins DTLS.
  static func move(_ journal: CallJournal) throws {
    let call = try CallPair(setup: .passive, journal: journal, network: { _ in [20] })
    call.run(1_500)
    call.clientAddress.port = 50_001
    call.run(4_000)
    call.clientAddress = TransportAddress(ipv4: 0xC000_0263, port: 50_001)
    call.run(3_000)
    end(call, journal)
  }
}
