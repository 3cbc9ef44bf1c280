import Srtp
import Testing
import Wire

/// Calls' contexts beside those of libsrtp2 as it is shipped (NSS in Debian), under the same keys:
/// they make the same packets, and what one says of a packet the other says.
@Suite struct DifferentialTests {
  private static let rounds = 400

  /// One end with either cryptography.
  private struct Both {
    let ours: SrtpContext
    let shipped: SrtpContext

    init(_ keys: SrtpKeys) throws {
      ours = try #require(SrtpContext(keys: keys))
      shipped = try #require(SrtpContext(keys: keys, cryptography: .asShipped))
    }

    /// The packet that both make.
    func protect(_ packet: [UInt8], isControl: Bool) -> [UInt8] {
      let one = isControl ? ours.protectControl(packet) : ours.protect(packet)
      let other = isControl ? shipped.protectControl(packet) : shipped.protect(packet)
      #expect(one == other)
      #expect(one.count > packet.count)
      return one
    }

    /// What both say of a packet; compares what they make of it.
    func unprotect(_ packet: [UInt8], isControl: Bool) -> SrtpStatus {
      var (one, other) = (packet, packet)
      let status = isControl ? ours.unprotectControl(&one) : ours.unprotect(&one)
      let expected = isControl ? shipped.unprotectControl(&other) : shipped.unprotect(&other)
      #expect(status == expected)
      #expect(one == other)
      if status == .ok { #expect(ours.tookNewest == shipped.tookNewest) }
      return status
    }
  }

  /// 400 packets of three sources and as many reports for each profile and seed, each taken apart
  /// as it is, again, and with a change.
  @Test(arguments: SrtpProfile.allCases, 1...6 as ClosedRange<UInt64>)
  func bothSayTheSame(profile: SrtpProfile, seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let (near, far) = (
      randomBytes(profile.masterByteCount, &random), randomBytes(profile.masterByteCount, &random)
    )
    let sender = try Both(#require(SrtpKeys(profile: profile, local: near, remote: far)))
    let receiver = try Both(#require(SrtpKeys(profile: profile, local: far, remote: near)))
    var statuses: [SrtpStatus: Int] = [:]
    var numbers = [UInt16](repeating: 64_000, count: 3)
    var sent: [(packet: [UInt8], isControl: Bool)] = []
    for round in 0..<Self.rounds {
      let source = Int.random(in: 0..<3, using: &random)
      numbers[source] &+= .random(in: 1...30, using: &random)
      let packet = randomRtp(
        sequence: numbers[source], source: UInt8(source),
        payloadByteCount: .random(in: 0...(round % 20 == 0 ? 1_200 : 120), using: &random), &random)
      let report =
        rtcp(source: UInt8(source)) + randomBytes(4 * .random(in: 0...40, using: &random), &random)
      sent.append((sender.protect(packet, isControl: false), false))
      sent.append((sender.protect(report, isControl: true), true))
      // Some are late, some never come, some come twice.
      for _ in 0..<3 {
        let late = Int.random(in: 0..<8, using: &random) == 0 ? 200 : 6
        let (packet, isControl) = sent.suffix(late).randomElement(using: &random)!
        for packet in [changed(packet, &random), packet] {
          statuses[receiver.unprotect(packet, isControl: isControl), default: 0] += 1
        }
      }
    }
    // Nothing of it is said by chance alone.
    for status in [SrtpStatus.ok, .authentication, .replayed, .unencrypted] {
      #expect(statuses[status, default: 0] >= 10, "\(status)")
    }
  }

  /// One bit flipped, the end cut off, or something behind it.
  private func changed(_ packet: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
    var packet = packet
    switch Int.random(in: 0..<6, using: &random) {
    case 0: packet.removeLast(.random(in: 1...packet.count, using: &random))
    case 1: packet += randomBytes(.random(in: 1...20, using: &random), &random)
    default:
      let bit = Int.random(in: 0..<(8 * packet.count), using: &random)
      packet[bit / 8] ^= 1 << UInt8(bit % 8)
    }
    return packet
  }

  /// Threads that make contexts of both kinds at once: each gets its own.
  @Test func manyThreadsMakeBothKinds() async {
    await withTaskGroup(of: Void.self) { group in
      for thread in 0..<6 {
        group.addTask {
          for number in 0..<10 {
            let profile = SrtpProfile.allCases[number % 2]
            let master = [UInt8](repeating: UInt8(thread), count: profile.masterByteCount)
            let keys = SrtpKeys(profile: profile, local: master, remote: master)!
            let kind = SrtpCryptography.allCases[(thread + number / 3) % 2]
            let packet = rtp(sequence: UInt16(number))
            let expected = ReferenceSender(profile, master: master)
              .protect(packet, index: UInt64(number))
            let context = SrtpContext(keys: keys, cryptography: kind)
            #expect(context?.protect(packet) == expected)
          }
        }
      }
    }
  }
}
