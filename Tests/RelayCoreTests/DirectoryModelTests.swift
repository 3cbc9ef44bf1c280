import Testing
import Trunk
import Wire

@testable import RelayCore

/// Ten thousand replacements, drawn by a seed, and a client of each transceiver: what a worker does
/// against what a dictionary says.
@Suite struct DirectoryModelTests {
  private static let idCount = 24
  private static let placesMax = 20

  /// What a relay should know.
  private struct Model {
    /// The place of each ID, in the order of their first appearance.
    var places: [UInt32: Int] = [:]
    /// Who is there, and where.
    var there: [UInt32: TransportAddress] = [:]

    /// Takes `list` as the relay should; false when places run out, and then nothing changes.
    mutating func replace(_ list: [TransceiverEntry]) -> Bool {
      var next = places
      for entry in list where next[entry.id.rawValue] == nil {
        next[entry.id.rawValue] = next.count
      }
      guard next.count <= DirectoryModelTests.placesMax else { return false }
      places = next
      there = Dictionary(
        uniqueKeysWithValues: list.map { ($0.id.rawValue, $0.address) })
      return true
    }
  }

  private static func client(of id: UInt32) -> TransportAddress {
    TransportAddress(ipv4: 0xC633_6400 + id, port: 9_000)
  }

  /// Some transceivers, in any order, each at one of a few addresses.
  private static func list(_ random: inout SeededRandom) -> [TransceiverEntry] {
    let some = (1...UInt32(idCount)).shuffled(using: &random)
      .prefix(Int.random(in: 1...8, using: &random))
    return some.map {
      TransceiverEntry(
        id: TransceiverID(rawValue: $0),
        address: TransportAddress(ipv4: .random(in: 1...9, using: &random), port: 4_000))
    }
  }

  /// `id` speaks to its client, and the client answers: both ways only while it is there.
  private static func expectService(_ bench: inout Bench, _ model: Model, of id: UInt32) {
    let transceiver = TransceiverID(rawValue: id)
    let client = client(of: id)
    let frame = TrunkFrame(listener: 0, client: client)
    let peer = TransportAddress(ipv4: 1, port: 1)
    let down = bench.takeTrunk([bench.down(id: transceiver, [(frame, [7])])], peer: peer)
    let address = model.there[id]
    #expect(down.count == (address == nil ? 0 : 1))
    let media = Bench.media()
    let up = bench.takeClient([media], from: client)
    guard let address else {
      #expect(up == [])
      return
    }
    let sent = Sent.Frame(listener: 0, client: client, bytes: media)
    #expect(up == [.up(transceiver: transceiver, to: address, frames: [sent])])
  }

  @Test func tenThousandReplacements() throws {
    var random = SeededRandom(seed: 20)
    var model = Model()
    var bench = Bench { $0.placesMax = Self.placesMax }
    for entry in Bench.transceivers { model.places[entry.id.rawValue] = model.places.count }
    var refusals = 0
    for _ in 0..<10_000 {
      let list = Self.list(&random)
      do {
        try bench.replaceDirectory(list)
        expect(model.replace(list))
      } catch let error as DirectoryError {
        guard case .noPlaceLeft = error else { throw error }
        refusals += 1
        expect(!model.replace(list))
      }
      expect(bench.places.count == model.places.count)
      let id = UInt32.random(in: 1...UInt32(Self.idCount), using: &random)
      Self.expectPlace(bench, model, of: id)
      Self.expectService(&bench, model, of: id)
      bench.now = bench.now.advanced(byMilliseconds: 1)
    }
    #expect(refusals > 0)
    expect(bench.worker.counters[.clientWithoutRoute] > 0)
    expect(bench.worker.counters[.clientForwardedByRoute] > 0)
  }

  private static func expectPlace(_ bench: borrowing Bench, _ model: Model, of id: UInt32) {
    let transceiver = TransceiverID(rawValue: id)
    let place = bench.worker.directory.place(of: transceiver)
    guard let address = model.there[id] else {
      #expect(place == -1)
      return
    }
    #expect(place == model.places[id])
    #expect(bench.worker.directory.entry(at: place).address == address)
  }
}
