/// The packets that the relay's cost is told for.
enum PacketKind: String, CaseIterable {
  case dataUp = "data-up"
  case dataUpUnsigned = "data-up-unsigned"
  case dataDown = "data-down"
  case dataDownUnsigned = "data-down-unsigned"
  case firstStun = "first-stun"
  case laterStun = "later-stun"
  case forgedStun = "forged-stun"

  var title: String {
    switch self {
    case .dataUp: "data up, in bundles of 7"
    case .dataUpUnsigned: "data up, trunk without a key"
    case .dataDown: "data down, in bundles of 7"
    case .dataDownUnsigned: "data down, trunk without a key"
    case .firstStun: "a client's first STUN check"
    case .laterStun: "a STUN check of a known client"
    case .forgedStun: "a STUN check with a forged token"
    }
  }

  /// Whether the trunk's datagrams are signed and checked.
  var hasTrunkKey: Bool { self != .dataUpUnsigned && self != .dataDownUnsigned }

  var goesDown: Bool { self == .dataDown || self == .dataDownUnsigned }
}
