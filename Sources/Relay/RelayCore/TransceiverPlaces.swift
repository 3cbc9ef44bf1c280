package import Wire

/// Why a list of transceivers cannot be used. For set-up, never on the packet path.
package enum DirectoryError: Error, Equatable, CustomStringConvertible {
  /// The list is empty: nothing could be forwarded.
  case empty
  /// More than `RelayLimits.transceiversMax`.
  case tooMany(Int)
  /// One ID stands for two addresses.
  case duplicate(TransceiverID)
  /// Port 0 or the unspecified address: nothing can be sent there.
  case unreachable(TransceiverID, TransportAddress)
  /// It is new, and every place has been given away in this epoch, of which there are so many.
  case noPlaceLeft(TransceiverID, placesMax: Int)

  /// A sentence without a full stop, for the operator.
  package var description: String {
    switch self {
    case .empty: "no transceiver is given"
    case .tooMany(let count):
      "\(count) transceivers are given, \(RelayLimits.transceiversMax) are the most"
    case .duplicate(let id): "transceiver \(id) is given twice"
    case .unreachable(let id, let address): "transceiver \(id) cannot be at \(address)"
    case .noPlaceLeft(let id, let placesMax):
      "transceiver \(id) is one more than the \(placesMax) that a relay can know in its life"
    }
  }
}

/// One transceiver shard as a relay knows it.
package struct TransceiverEntry: Hashable, Sendable {
  /// What tokens and trunk datagrams name it by.
  package var id: TransceiverID
  /// Where its trunk socket listens.
  package var address: TransportAddress

  /// An entry; nothing is checked before it comes into a list.
  package init(id: TransceiverID, address: TransportAddress) {
    self.id = id
    self.address = address
  }
}

/// Which place each transceiver of a relay has, and which of them there are at the moment. A value
/// for whoever feeds workers with directories; allocates, so never on the packet path.
///
/// A transceiver keeps its place, also while it is away, and no place is given to another: routes
/// and candidates name places. So many as have ever been named count against the bound. An epoch
/// is the life of such a value and ends with the last route that names a place of it.
package struct TransceiverPlaces: Sendable {
  /// Who has each place.
  private var ids: [TransceiverID] = []
  private var placeOf: [TransceiverID: Int] = [:]
  /// Who is there, by place; nil for those that are away.
  package private(set) var entries: [TransceiverEntry?] = []
  /// Places that an epoch has.
  package let placesMax: Int

  /// Begins an epoch with `list`, whose transceivers get their places in its order. `placesMax` is
  /// 1 to `RelayLimits.transceiversMax`.
  package init(
    _ list: [TransceiverEntry], placesMax: Int = RelayLimits.transceiversMax
  ) throws(DirectoryError) {
    precondition(placesMax > 0 && placesMax <= RelayLimits.transceiversMax)
    self.placesMax = placesMax
    try replace(with: list)
  }

  /// Places that have been given away: the next new transceiver's place.
  package var count: Int { ids.count }

  /// The ID that `place` stands for, below `count`, whether or not it is away.
  package func id(at place: Int) -> TransceiverID { ids[place] }

  /// From now on those of `list` are there, where it says. After an error nothing has changed.
  package mutating func replace(with list: [TransceiverEntry]) throws(DirectoryError) {
    try Self.check(list)
    let new = list.filter { placeOf[$0.id] == nil }
    let room = placesMax - count
    guard new.count <= room else { throw .noPlaceLeft(new[room].id, placesMax: placesMax) }
    for entry in new {
      placeOf[entry.id] = count
      ids.append(entry.id)
    }
    entries = Array(repeating: nil, count: count)
    for entry in list {
      if let place = placeOf[entry.id] { entries[place] = entry }
    }
  }

  private static func check(_ list: [TransceiverEntry]) throws(DirectoryError) {
    guard !list.isEmpty else { throw .empty }
    guard list.count <= RelayLimits.transceiversMax else { throw .tooMany(list.count) }
    var seen: Set<TransceiverID> = []
    for entry in list {
      guard seen.insert(entry.id).inserted else { throw .duplicate(entry.id) }
      let address = entry.address
      guard address.port != 0, !address.isWildcard else { throw .unreachable(entry.id, address) }
    }
  }
}
