import Testing
import Wire

@testable import Paths

/// The table that the packet path reads, with the ways of the loopback interface.
@Suite struct PathTableTests {
  private let here = TransportAddress(ipv4: 0x7F00_0001, port: 0)

  private func host(_ number: Int) -> TransportAddress {
    TransportAddress(ipv4: 0x7F00_0000 + UInt32(number), port: UInt16(number))
  }

  private func table(_ bundleBytesMax: Int = 1_400, pathsMax: Int = 300) -> PathTable {
    PathTable(from: here, bundleBytesMax: bundleBytesMax, pathsMax: pathsMax)
  }

  @Test func aWayBeginsAtWhatTheInterfaceCarries() {
    let table = table()
    let place = table.view.findOrAdd(host(1))
    #expect(table.view.bundleBytes(at: place) == 1_400)
    #expect(table.view.wholeBytes(at: place) == 65_535 - 28)
    let large = self.table(60_000)
    #expect(large.view.bundleBytes(at: large.view.findOrAdd(host(1))) == 60_000)
  }

  /// Whoever asks for small bundles knows of a hop that nothing here shows: long packets are parted
  /// as well.
  @Test func smallBundlesAreForSinglePacketsToo() {
    let table = table(1_200)
    #expect(table.view.wholeBytes(at: table.view.findOrAdd(host(1))) == 1_200)
  }

  @Test func manyPeersAreToldApartWhateverTheirPorts() {
    let table = table()
    let places = (1...300).map { table.view.findOrAdd(host($0)) }
    #expect(Set(places).count == 300 && !places.contains(-1))
    for number in 1...300 {
      var other = host(number)
      other.port = 9
      #expect(table.view.find(other) == places[number - 1])
      #expect(table.peer(at: places[number - 1]).host == other.host)
    }
    #expect(table.places.sorted() == places.sorted())
    #expect(table.view.find(host(301)) == -1)
  }

  @Test func whatIsTooManyCountsAsUnknown() {
    let table = table(pathsMax: 2)
    for number in 1...2 { #expect(table.view.findOrAdd(host(number)) >= 0) }
    let place = table.view.findOrAdd(host(3))
    #expect(place == -1)
    #expect(table.view.bundleBytes(at: place) == PathSize.unknown)
    table.view.refused(1_200, for: host(3), at: place)
    table.view.note(arrival: 1_200, at: place)
  }

  @Test func aRefusalIsKnownToAllAtOnce() {
    let table = table()
    let place = table.view.findOrAdd(host(1))
    let before = table.view.generation
    table.view.set(1_400, at: place)
    table.view.refused(1_400, for: host(1), at: place)
    #expect(table.view.bundleBytes(at: place) == 1_225, "the kernel says that it fits")
    #expect(table.view.generation > before)
    let known = table.view.generation
    table.view.refused(1_400, for: host(1), at: place)
    #expect(table.view.generation == known, "it was made before that was known")
    table.look(at: place, mayGrow: false)
    #expect(table.view.bundleBytes(at: place) == 1_225)
    table.look(at: place, mayGrow: true)
    #expect(table.view.wholeBytes(at: place) == 65_507)
  }

  @Test func theLongestArrivalIsOfAllPeersAndForgottenOnceTaken() {
    let table = table()
    for number in 1...3 {
      table.view.note(arrival: 500 * number, at: table.view.findOrAdd(host(number)))
    }
    #expect(table.takeLongestArrival() == 1_500)
    #expect(table.takeLongestArrival() == 0)
  }
}
