import CallClient
import Session
import Testing
import Wire

/// A client whose one check is short, and who then waits for the handshake (RFC 6347, section
/// 4.2.4: a flight is repeated until it is answered).
@Suite("A short check and nothing more")
struct ShortCheckTests {
  /// Shorter than what any browser, SDK or embedded client was seen to offer.
  private static let offerByteCount = 700

  private static func isStun(_ datagram: CallPair.Datagram) -> Bool { datagram.bytes[0] < 2 }

  /// A call in which one check of the client arrives and no other STUN, and the server's first
  /// `losses` DTLS datagrams are lost.
  private func makeCall(
    _ setup: CallClientOptions.Setup, losing losses: Int, answersProofs: Bool
  ) throws -> CallPair {
    var checks = 0
    var lost = 0
    let network: (CallPair.Datagram) -> [UInt64] = { datagram in
      switch datagram.way {
      case .up where datagram.bytes[0] == 0:
        checks += 1
        #expect(datagram.bytes.count < 113)
        return checks == 1 ? [1] : []
      case .up where Self.isStun(datagram): return answersProofs ? [1] : []
      case .down where !Self.isStun(datagram) && lost < losses:
        lost += 1
        return []
      default: return [1]
      }
    }
    return try CallPair(
      setup: setup, network: network, change: { $0.offerByteCount = Self.offerByteCount })
  }

  @Test(
    "it connects, whichever of the server's flights are lost, whether it answers requests or not",
    arguments: [CallClientOptions.Setup.actpass, .active], [0, 1, 2, 4, 7])
  func connects(setup: CallClientOptions.Setup, losses: Int) throws {
    for answersProofs in [true, false] {
      let call = try makeCall(setup, losing: losses, answersProofs: answersProofs)
      call.run(9_500) { call.isConnected }
      #expect(call.isConnected, "\(setup) \(losses) \(answersProofs)")
    }
  }

  @Test("who answers nothing is sent at most three times the offer and what came")
  func bound() throws {
    let call = try makeCall(.actpass, losing: .max, answersProofs: false)
    call.run(29_000)
    let came = call.sent.first { $0.way == .up }!.bytes.count
    let sent = call.sent.filter { $0.way == .down }.reduce(0) { $0 + $1.bytes.count }
    #expect(sent <= 3 * (came + Self.offerByteCount))
    #expect(call.sent.filter { $0.way == .down && !Self.isStun($0) }.count >= 8)
  }

  @Test("a caller that has moved, and whose one check there is short, is asked until it answers")
  func movedCaller() throws {
    let call = try CallPair()
    call.run(2_000)
    var requests = 0
    var checks = 0
    let moved = TransportAddress(ipv4: 0xC000_0202, port: 50_000)
    call.clientAddress = moved
    call.network = { datagram in
      if datagram.way == .up, datagram.bytes[0] == 0 {
        checks += 1
        return checks == 1 ? [1] : []
      }
      // Three of the requests are lost.
      guard datagram.way == .down, datagram.bytes.starts(with: [0, 1]) else { return [1] }
      requests += 1
      return requests > 3 ? [1] : []
    }
    call.run(6_000)
    #expect(checks >= 1)
    #expect(requests >= 4)
    #expect(call.session.figures.path == call.path)
    #expect(call.isConnected)
  }
}
