import Testing
import Trunk
import Wire

@testable import RelayCore

/// Listeners are known by their numbers, which need not follow each other.
@Suite struct RelayListenerTests {
  private static let numbered = [
    RelayListener(number: 63, versions: .both), RelayListener(number: 5, versions: .ipv4),
  ]

  @Test func aSetKnowsItsNumbersAndWhomTheyReach() {
    let set = ListenerSet(Self.numbered + [RelayListener(number: 0, versions: .ipv6)])
    let known = (UInt8.min...UInt8.max).filter { set.contains($0) }
    #expect(known == [0, 5, 63])
    let ipv4 = (UInt8.min...UInt8.max).filter { set.reaches($0, isIPv4: true) }
    #expect(ipv4 == [5, 63])
    let ipv6 = (UInt8.min...UInt8.max).filter { set.reaches($0, isIPv4: false) }
    #expect(ipv6 == [0, 63])
  }

  @Test func framesNameAndAnswersLeaveByTheNumber() {
    var bench = Bench { $0.listeners = Self.numbered }
    let check = bench.check(bench.token(for: 0))
    let up = bench.takeClient([check], listener: 63)
    #expect(up == [Bench.up(0, [check], listener: 63)])
    let down = bench.speak(from: 0, listener: 63, [4])
    #expect(down == [.down(listener: 63, to: Bench.client, bytes: [4])])
    expect(bench.speak(from: 0, to: Bench.client6, listener: 5) == [])
    expect(bench.speak(from: 0, listener: 0) == [])
    expect(bench.worker.counters[.frameMisaddressed] == 2)
  }

  @Test func twoCannotHaveOneNumber() async {
    await #expect(processExitsWith: .failure) {
      _ = ListenerSet(RelayListenerTests.numbered + RelayListenerTests.numbered)
    }
  }

  @Test func nothingComesToAListenerThatIsNotThere() async {
    await #expect(processExitsWith: .failure) {
      var bench = Bench { $0.listeners = RelayListenerTests.numbered }
      _ = bench.takeClient([Bench.media()], listener: 0)
    }
  }
}
