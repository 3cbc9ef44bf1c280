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
    let directory = try TransceiverDirectory(ids.map { entry($0, port: UInt16($0 % 60_000 + 1)) })
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
      _ = try TransceiverDirectory(list)
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
}
