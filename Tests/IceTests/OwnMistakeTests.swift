import Crypto
import Ice
import Testing
import Wire

/// What only this program can do wrong stops it.
@Suite("Own mistakes at the ICE boundary") struct OwnMistakeTests {
  private static func client() -> IceClientAgent {
    IceClientAgent(
      local: clientCredentials, remote: serverCredentials,
      candidates: [TransportAddress(ipv4: 0x7F00_0001, port: 5000)], tieBreaker: 1, at: start)
  }

  @Test func credentialsOfAnImpossibleLength() async {
    await #expect(processExitsWith: .failure) {
      _ = IceCredentials(ufrag: "abc", password: String(repeating: "x", count: 22))
    }
    await #expect(processExitsWith: .failure) {
      let ufrag = String(repeating: "x", count: 257)
      _ = IceCredentials(ufrag: ufrag, password: String(repeating: "x", count: 22))
    }
    await #expect(processExitsWith: .failure) {
      _ = IceCredentials(ufrag: "abcd", password: String(repeating: "x", count: 21))
    }
    let longest = String(repeating: "x", count: 256)
    #expect(IceCredentials(ufrag: longest, password: longest).ufrag.count == 256)
  }

  /// The message that would be too long for it may be one in a thousand: the buffer is refused at
  /// the first.
  @Test func aBufferThatACheckMayNotFitInto() async {
    await #expect(processExitsWith: .failure) {
      var agent = Self.client()
      var random = SeededRandom(seed: 1)
      var buffer = [UInt8](repeating: 0, count: StunWriter.bytesMax - 1)
      _ = unsafe buffer.withUnsafeMutableBytes {
        unsafe agent.poll(at: start, into: $0, random: &random)
      }
    }
    await #expect(processExitsWith: .failure) {
      var agent = makeAgent()
      var random = SeededRandom(seed: 1)
      var buffer = [UInt8](repeating: 0, count: StunWriter.bytesMax - 1)
      _ = unsafe buffer.withUnsafeMutableBytes {
        unsafe agent.poll(at: start, into: $0, random: &random)
      }
    }
  }

  @Test func aBufferThatAReplyMayNotFitInto() async {
    await #expect(processExitsWith: .failure) {
      var agent = makeAgent()
      var reply = [UInt8](repeating: 0, count: IceLiteAgent.replyBytesMax - 1)
      _ = unsafe reply.withUnsafeMutableBytes {
        unsafe agent.handle([UInt8]().span.bytes, from: path(1), at: start, reply: $0)
      }
    }
    await #expect(processExitsWith: .failure) {
      var agent = Self.client()
      var reply = [UInt8](repeating: 0, count: IceLiteAgent.replyBytesMax - 1)
      let address = TransportAddress(ipv4: 0x7F00_0001, port: 5000)
      _ = unsafe reply.withUnsafeMutableBytes {
        unsafe agent.handle([UInt8]().span.bytes, from: address, at: start, reply: $0)
      }
    }
  }
}
