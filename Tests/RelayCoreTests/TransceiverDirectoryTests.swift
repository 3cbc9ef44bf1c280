import Testing
import Wire

@testable import RelayCore

@Suite struct TransceiverDirectoryTests {
  private func entry(_ id: UInt32, port: UInt16 = 7000) -> TransceiverEntry {
    TransceiverEntry(
      id: TransceiverID(rawValue: id), address: TransportAddress(ipv4: 0x0A00_0001, port: port))
  }

  @Test func findsEveryEntryAndNothingElse() throws {
    let ids = (0..<500).map { UInt32($0) * 33_521 & 0xFF_FFFF }
    let list = ids.map { entry($0, port: UInt16($0 % 60_000 + 1)) }
    let directory = TransceiverDirectory(try TransceiverPlaces(list))
    for (place, id) in ids.enumerated() {
      expect(directory.place(of: TransceiverID(rawValue: id)) == place)
      expect(directory.entry(at: place).id.rawValue == id)
    }
    let known = Set(ids)
    for id in UInt32(0)..<5000 where !known.contains(id) {
      expect(directory.place(of: TransceiverID(rawValue: id)) == -1)
    }
  }

  /// Why `list` is refused; nil when it is taken.
  private func refusal(_ list: [TransceiverEntry]) -> DirectoryError? {
    do {
      _ = try TransceiverPlaces(list)
      return nil
    } catch {
      return error
    }
  }

  @Test func refusesListsThatCannotWork() {
    let id = TransceiverID(rawValue: 3)
    let nowhere = TransportAddress(ipv4: 0, port: 7000)
    #expect(refusal([]) == .empty)
    #expect(refusal([entry(3), entry(3)]) == .duplicate(id))
    #expect(refusal([entry(3, port: 0)]) == .unreachable(id, entry(3, port: 0).address))
    #expect(
      refusal([TransceiverEntry(id: id, address: nowhere)]) == .unreachable(id, nowhere))
    #expect(refusal((0..<4097).map { entry($0) }) == .tooMany(4097))
  }

  /// A place belongs to one transceiver in an epoch, whether it is there or not.
  @Test func placesAreKeptAndNeverGivenToAnother() throws {
    var places = try TransceiverPlaces([entry(5), entry(6), entry(7)], placesMax: 5)
    try places.replace(with: [entry(8), entry(6, port: 9)])
    expect(places.entries == [nil, entry(6, port: 9), nil, entry(8)])
    expect((0..<4).map { places.id(at: $0).rawValue } == [5, 6, 7, 8])
    let directory = TransceiverDirectory(places)
    expect([5, 6, 7, 8].map { directory.place(of: entry($0).id) } == [-1, 1, -1, 3])
    expect((0..<4).map { directory.isThere($0) } == [false, true, false, true])
    expect(directory.entry(at: 1).address.port == 9)
    try places.replace(with: [entry(7), entry(9)])
    expect(places.entries == [nil, nil, entry(7), nil, entry(9)])
  }

  @Test func anErrorChangesNothing() throws {
    var places = try TransceiverPlaces([entry(1), entry(2)], placesMax: 3)
    let before = places.entries
    func refusal(_ list: [TransceiverEntry]) -> DirectoryError? {
      do {
        try places.replace(with: list)
        return nil
      } catch {
        return error
      }
    }
    #expect(refusal([]) == .empty)
    #expect(refusal([entry(2), entry(3), entry(4)]) == .noPlaceLeft(entry(4).id, placesMax: 3))
    #expect(refusal([entry(2), entry(3), entry(3)]) == .duplicate(entry(3).id))
    #expect(places.entries == before && places.count == 2)
    #expect(refusal([entry(2), entry(3)]) == nil && places.count == 3)
  }
}
