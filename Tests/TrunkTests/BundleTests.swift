import TestSupport
import Testing
import Trunk
import Wire

@Suite("Bundles: many client packets in one datagram")
struct BundleTests {
  /// The format in fixed figures, so that a change cannot pass unseen.
  @Test func layout() {
    let packets = [
      Packet(frame: TrunkFrame(listener: 9, client: ipv4), payload: [0xAA, 0xBB]),
      Packet(
        frame: TrunkFrame(listener: 1, client: ipv6, proven: true, ended: true), payload: []),
    ]
    let expected = """
      11 0102 030405 0607 0000000000000000
      0002 09 1388 c0000201 aabb
      3800 01 1770 20010db8000000000000000000000001
      """
    #expect(bundle(packets, key: nil) == bytes(expected))
  }

  @Test(arguments: 0..<50) func roundTrip(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let sent = (0..<Int.random(in: 0...8, using: &random)).map { _ in
      Packet(
        frame: TrunkFrame(
          listener: .random(in: .min ... .max, using: &random),
          client: Bool.random(using: &random) ? ipv4 : ipv6,
          proven: .random(using: &random), ended: .random(using: &random)),
        payload: (0..<Int.random(in: 0...1_000, using: &random)).map { UInt8($0 & 255) })
    }
    let whole = bundle(sent)
    #expect(open(whole) == .valid(header))
    #expect(packets(whole) == sent)
  }

  @Test(arguments: [TrunkKind.up, .down]) func kinds(kind: TrunkKind) {
    var header = header
    header.kind = kind
    #expect(open(bundle([], header: header)) == .valid(header))
  }

  /// The contract with the path: a Firefox datagram of 1,408 bytes passes a path of 1,500.
  @Test func headersFitTheirBudget() {
    let frame4 = TrunkFrame(listener: 0, client: ipv4)
    let frame6 = TrunkFrame(listener: 0, client: ipv6)
    #expect(TrunkHeader.bytes + frame4.headerBytes == 25)
    #expect(TrunkHeader.bytes + frame6.headerBytes == 37)
    let payload = [UInt8](repeating: 1, count: 1_408)
    #expect(bundle([Packet(frame: frame4, payload: payload)], mtu: 1_472).count == 1_433)
    #expect(bundle([Packet(frame: frame6, payload: payload)], mtu: 1_452).count == 1_445)
  }

  @Test func refusesWhatDoesNotFit() {
    let frame = TrunkFrame(listener: 0, client: ipv4)
    let payload = [UInt8](repeating: 1, count: 2_048)
    var buffer = [UInt8](repeating: 0, count: 4_096)
    unsafe buffer.withUnsafeMutableBytes { buffer in
      unsafe payload.withUnsafeBytes { payload in
        let small = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[0..<100])
        var writer = unsafe BundleWriter(into: small, header)
        // 100 - 16 - 9 bytes are left for the payload.
        let tooLong = unsafe writer.append(frame, UnsafeRawBufferPointer(rebasing: payload[0..<76]))
        #expect(!tooLong)
        #expect(writer.count == TrunkHeader.bytes)
        let fits = unsafe writer.append(frame, UnsafeRawBufferPointer(rebasing: payload[0..<75]))
        #expect(fits)
        #expect(writer.frames == 1)
        let empty = unsafe writer.append(frame, UnsafeRawBufferPointer(rebasing: payload[0..<0]))
        #expect(!empty)

        var large = unsafe BundleWriter(into: buffer, header)
        let longest = unsafe large.append(
          frame, UnsafeRawBufferPointer(rebasing: payload[0..<2_047]))
        #expect(longest)
        large.restart()
        let longer = unsafe large.append(frame, payload)
        #expect(!longer)
        #expect(large.frames == 0)
      }
    }
  }

  /// Padding brings a bundle to a length, is under the tag and holds nothing; more than the slack
  /// is not filled.
  @Test(arguments: 0...300) func padding(missing: Int) {
    let packet = Packet(frame: TrunkFrame(listener: 1, client: ipv4), payload: [1, 2, 3])
    let plain = bundle([packet])
    var buffer = [UInt8](repeating: 0xEE, count: 400)
    let padded = unsafe buffer.withUnsafeMutableBytes { buffer in
      var writer = unsafe BundleWriter(into: buffer, header)
      _ = unsafe packet.payload.withUnsafeBytes { unsafe writer.append(packet.frame, $0) }
      writer.pad(to: plain.count + missing, slack: 256)
      writer.seal(key)
      return unsafe Array(writer.datagram)
    }
    #expect(padded.count == plain.count + (missing <= 256 ? missing : 0))
    #expect(open(padded) == .valid(header))
    #expect(packets(padded) == [packet])
  }

  @Test func restartForgetsTheLastBundle() {
    var buffer = [UInt8](repeating: 0, count: 100)
    let other = TrunkHeader(kind: .down, cluster: 7, transceiver: .init(rawValue: 8), ingress: 9)
    let whole = unsafe buffer.withUnsafeMutableBytes { buffer in
      var writer = unsafe BundleWriter(into: buffer, header)
      _ = unsafe writer.append(
        TrunkFrame(listener: 0, client: ipv4), UnsafeRawBufferPointer(start: nil, count: 0))
      writer.seal(key)
      writer.restart(other)
      writer.seal(key)
      return unsafe Array(writer.datagram)
    }
    #expect(whole.count == TrunkHeader.bytes)
    #expect(open(whole) == .valid(other))
  }
}
