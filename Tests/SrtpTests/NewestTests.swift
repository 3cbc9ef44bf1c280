import Srtp
import Testing
import Wire

/// Which packets are ahead of every earlier one of their source.
@Suite struct NewestTests {
  /// Random steps over three rollovers, some packets late: what is said agrees with the index that
  /// the sender gave each of them.
  @Test(arguments: SrtpProfile.allCases, [0, 1, 30_000, 32_767, 32_768, 32_769, 65_530])
  func agreesWithTheSendersIndex(profile: SrtpProfile, first: Int) throws {
    let (sender, receiver) = try makePair(profile)
    var random = SeededRandom(seed: UInt64(first) + 1)
    var index = first
    var highest = -1
    var waiting: [(index: Int, bytes: [UInt8])] = []
    var late = 0
    while index < 4 << 16 {
      waiting.append((index, sender.protect(rtp(sequence: UInt16(truncatingIfNeeded: index)))))
      index +=
        Int.random(in: 0..<20, using: &random) == 0
        ? .random(in: 1...30_000, using: &random)
        : .random(in: 1...8, using: &random)
      guard waiting.count >= Int.random(in: 1...6, using: &random) else { continue }
      var next = waiting.remove(at: .random(in: 0..<waiting.count, using: &random))
      guard receiver.unprotect(&next.bytes) == .ok else { continue }
      #expect(receiver.tookNewest == (next.index > highest), "\(next.index) after \(highest)")
      if next.index < highest { late += 1 }
      highest = max(highest, next.index)
    }
    #expect(late > 50)
  }

  @Test func aLeapBeforeTheFirstRolloverIsAhead() throws {
    let (sender, receiver) = try makePair(.aeadAes128Gcm)
    for sequence in [UInt16(5), 60_000, 60_001, 65_535, 0, 1] {
      var packet = sender.protect(rtp(sequence: sequence))
      #expect(receiver.unprotect(&packet) == .ok)
      #expect(receiver.tookNewest == true, "\(sequence)")
    }
  }

  @Test(arguments: SrtpProfile.allCases) func controlGoesByItsOwnIndex(profile: SrtpProfile) throws
  {
    let (sender, receiver) = try makePair(profile)
    let media = (UInt16(1)...4).map { sender.protect(rtp(sequence: $0)) }
    let control = (0..<4).map { _ in sender.protectControl(rtcp()) }
    func take(_ number: Int) -> Bool {
      var packet = control[number]
      #expect(receiver.unprotectControl(&packet) == .ok)
      return receiver.tookNewest
    }
    func takeMedia(_ number: Int) -> Bool {
      var packet = media[number]
      #expect(receiver.unprotect(&packet) == .ok)
      return receiver.tookNewest
    }
    #expect(take(1) == true)
    #expect(takeMedia(0) == true)
    #expect(take(0) == false)
    #expect(takeMedia(3) == true)
    #expect(take(3) == true)
    #expect(take(2) == false)
    #expect(takeMedia(1) == false)
  }

  @Test func eachSourceGoesByItself() throws {
    let (sender, receiver) = try makePair(.aeadAes128Gcm)
    for source in UInt8(1)...8 {
      for sequence in [UInt16(900 - 100 * UInt16(source)), 1_000] {
        var packet = sender.protect(rtp(sequence: sequence, source: source))
        #expect(receiver.unprotect(&packet) == .ok)
        #expect(receiver.tookNewest == true)
      }
    }
  }
}
