import Sctp
import Testing
import Wire

/// What only this program can do wrong stops it; see `HostilePeerTests` for what a peer can do.
@Suite("Own mistakes at the SCTP boundary") struct OwnMistakeTests {
  /// One parameter each, just outside of its range.
  enum Mistake: CaseIterable, Codable {
    case oddPacket, shortPacket, longPacket, noMessage, smallReceiveBuffer, wideWindow
    case smallSendBuffer, negativeLimit, noChannel, noRefusal, noTimeout, highTimeout, lowTimeout
    case lateSack, noPause, noTry

    func apply(to parameters: inout SctpParameters) {
      switch self {
      case .oddPacket: parameters.packetBytesMax = 1_161
      case .shortPacket: parameters.packetBytesMax = 508
      case .longPacket: parameters.packetBytesMax = 9_004
      case .noMessage: parameters.messageBytesMax = 0
      case .smallReceiveBuffer: parameters.receiveBufferBytesMax = parameters.messageBytesMax
      case .wideWindow: parameters.receiveBufferBytesMax = 1 << 32
      case .smallSendBuffer: parameters.sendBufferBytesMax = 64
      case .negativeLimit: parameters.peerMessageBytesMax = -1
      case .noChannel: parameters.channelCountMax = 0
      case .noRefusal: parameters.refusalCountMax = 0
      case .noTimeout: parameters.rtoMinMilliseconds = 0
      case .highTimeout: parameters.rtoInitialMilliseconds = 10_001
      case .lowTimeout: parameters.rtoInitialMilliseconds = 199
      case .lateSack: parameters.sackDelayMilliseconds = 501
      case .noPause: parameters.heartbeatMilliseconds = 0
      case .noTry: parameters.retransmissionCountMax = 0
      }
    }
  }

  @Test(arguments: Mistake.allCases) func aParameterOutsideItsRange(mistake: Mistake) async {
    await #expect(processExitsWith: .failure) { [mistake] in
      var parameters = SctpParameters(streamParity: .even)
      mistake.apply(to: &parameters)
      var random = SeededRandom(seed: 1)
      _ = SctpAssociation(parameters, random: &random)
    }
  }

  @Test func theDefaultsAreInRange() {
    var random = SeededRandom(seed: 1)
    let association = SctpAssociation(SctpParameters(streamParity: .odd), random: &random)
    #expect(!association.isUp)
  }
}
