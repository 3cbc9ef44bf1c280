import Testing
import Wire

@testable import Voice

/// Losses that come in rows, against which copies and in-band redundancy are of no use.
struct RowLossTests {
  @Test(arguments: [(nil, nil, 96_000), (80_000, nil, 80_000), (nil, 100_000, 74_400)])
  func `where rows get lost the rest is made better, as far as the client wants`(
    opus: Int32?, wire: Int32?, expected: Int32
  ) {
    var settings = OpusSettings()
    settings.bitsPerSecondMax = opus ?? settings.bitsPerSecondMax
    settings.wireBitsPerSecondMax = wire
    var path = FeedbackPath(settings: settings, takesCopies: true)
    path.run(seconds: 3)
    path.run(seconds: 60) { $0 % 110 < 5 ? nil : 20 }
    #expect(path.plan.coder == .celt)
    #expect(!path.plan.carriesCopy)
    #expect(path.plan.bitsPerSecond == expected)
    path.run(seconds: 60)
    #expect(path.plan.bitsPerSecond == min(64_000, expected))
  }

  @Test func `where that makes a queue it is left out, and nothing else changes`() {
    var path = FeedbackPath(takesCopies: true)
    path.run(seconds: 3)
    path.capacity = 105_000
    let before = path.plans.count
    path.run(seconds: 320) { $0 % 110 < 5 ? nil : 20 }
    let plans = path.plans[before...]
    #expect(plans.allSatisfy { $0.packetMilliseconds == 20 && $0.bitsPerSecond >= 64_000 })
    #expect(path.control.narrowings == 0)
    #expect(path.queueMillisecondsMax < 400)
    // It is tried again after a minute, and after two more.
    #expect(plans.count { $0.bitsPerSecond == 96_000 } == 3, "\(plans)")
  }

  /// A path that is wide again is found wide again, whatever gets lost on it.
  @Test func `nothing is spent while more is tried`() {
    var path = FeedbackPath(takesCopies: true)
    path.run(seconds: 3)
    path.capacity = 60_000
    path.run(seconds: 20)
    #expect(path.plan.bitsPerSecond <= 40_000)
    path.capacity = 92_000
    path.run(seconds: 90) { $0 % 55 < 5 ? nil : 20 }
    #expect(path.plan.bitsPerSecond >= 64_000 && path.plan.packetMilliseconds == 20)
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `rows that are seconds apart are known for what they are`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var path = FeedbackPath(takesCopies: true)
    path.run(seconds: 3)
    let before = path.plans.count
    var left = 0
    var until = 50
    path.run(seconds: 120) { _ in
      until -= 1
      if until == 0 {
        left = 4 + Int(random.next() % 5)
        until = left + 100 + Int(random.next() % 300)
      }
      left -= 1
      return left >= 0 ? nil : 20
    }
    // Feedback may end within a row: two or three packets of it are told of first.
    let copying = path.plans[before...].count { $0.carriesCopy }
    #expect(copying <= 1, "\(path.plans)")
    #expect(path.plans[before...].allSatisfy { $0.coder == .celt })
  }
}
