import Testing
import Trunk
import Wire

/// A trunk datagram that was too long becomes shorter ones, and nothing of it is lost.
@Suite struct BundleSplitterTests {
  private func split(_ datagram: [UInt8], bytesMax: Int) -> [[UInt8]]? {
    var buffer = [UInt8](repeating: 0xEE, count: datagram.count)
    return unsafe buffer.withUnsafeMutableBytes { buffer in
      unsafe datagram.withUnsafeBytes { datagram in
        guard
          var splitter = unsafe BundleSplitter(
            datagram, into: buffer, bytesMax: bytesMax, key: key)
        else { return nil }
        var pieces: [[UInt8]] = []
        while let piece = unsafe splitter.next() { unsafe pieces.append(Array(piece)) }
        return pieces
      }
    }
  }

  private let some: [Packet] = (0..<20).map { number in
    Packet(
      frame: TrunkFrame(
        listener: UInt8(number), client: number % 3 == 0 ? ipv6 : ipv4, proven: number % 2 == 0,
        ended: number == 7),
      payload: [UInt8](repeating: UInt8(number), count: number == 7 ? 0 : 40 + 13 * number))
  }

  /// At every size: all packets in their order, each piece signed and short enough, but for one
  /// packet that is longer by itself.
  @Test func everySizeKeepsEverything() throws {
    let whole = bundle(some)
    for bytesMax in 0...whole.count {
      let pieces = try #require(split(whole, bytesMax: bytesMax))
      #expect(pieces.allSatisfy { open($0) == .valid(header) })
      let inside = try pieces.map { try #require(packets($0)) }
      #expect(Array(inside.joined()) == some)
      for (piece, held) in zip(pieces, inside) {
        #expect(!held.isEmpty && (piece.count <= bytesMax || held.count == 1))
      }
    }
    #expect(split(whole, bytesMax: whole.count) == [whole])
  }

  @Test func paddingIsLeftOut() throws {
    var buffer = [UInt8](repeating: 0, count: 1_400)
    let padded = unsafe buffer.withUnsafeMutableBytes { buffer in
      var writer = unsafe BundleWriter(into: buffer, header)
      for packet in some.prefix(8) {
        _ = unsafe packet.payload.withUnsafeBytes { unsafe writer.append(packet.frame, $0) }
      }
      writer.pad(to: 1_400, slack: 1_400)
      writer.seal(key)
      return unsafe Array(writer.datagram)
    }
    #expect(padded.count == 1_400)
    let pieces = try #require(split(padded, bytesMax: 1_300))
    #expect(pieces == [bundle(Array(some.prefix(8)))])
  }

  @Test func whatIsNoTrunkDatagramIsNotTaken() {
    #expect(split([1, 2, 3], bytesMax: 100) == nil)
    #expect(split([UInt8](repeating: 0xFF, count: 100), bytesMax: 100) == nil)
  }

  /// A mistake of ours, which a splitter that is nil would hide among the datagrams of others.
  @Test func aBufferThatIsShorterThanTheDatagram() async {
    await #expect(processExitsWith: .failure) {
      let frame = TrunkFrame(listener: 1, client: ipv4)
      let datagram = bundle([Packet(frame: frame, payload: [1, 2, 3])])
      var buffer = [UInt8](repeating: 0, count: datagram.count - 1)
      unsafe buffer.withUnsafeMutableBytes { buffer in
        unsafe datagram.withUnsafeBytes { datagram in
          _ = unsafe BundleSplitter(datagram, into: buffer, bytesMax: 1_200, key: key)
        }
      }
    }
  }
}
