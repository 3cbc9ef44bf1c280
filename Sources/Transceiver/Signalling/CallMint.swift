import Token
import Wire

/// The names of a call.
struct CallNames {
  /// Unguessable: who knows it may end the call.
  var callID: CallID
  /// Our ufrag.
  var token: RoutingToken
  /// The ICE password that belongs to it.
  var password: IcePassword
  /// What the client knows our sound by: 96 random bits (RFC 7022, section 4.1), 16 characters.
  var streamName: String
}

/// Makes names for the calls of this node, and reads call IDs. Prepared once, for one thread.
struct CallMint: ~Copyable {
  private let cluster: UInt16
  private let node: UInt16
  private let tokens: TokenSealer
  private let callIDs: CallIDSealer
  private let opener: CallIDOpener
  private let passwords: IcePasswordDeriver

  init(keys: RoutingKeys, cluster: UInt16, node: UInt16) {
    self.cluster = cluster
    self.node = node
    tokens = TokenSealer(keys)
    callIDs = CallIDSealer(keys)
    opener = CallIDOpener(keys)
    passwords = IcePasswordDeriver(keys)
  }

  func mint(
    shard: UInt8, minutes: UInt32, random: inout some RandomNumberGenerator
  ) -> CallNames {
    let contents = TokenContents(
      cluster: cluster, transceiver: TransceiverID(node: node, shard: shard),
      mintedMinutes: minutes)
    let token = tokens.seal(contents, random: &random)
    return CallNames(
      callID: callIDs.seal(contents, random: &random), token: token,
      password: passwords.derive(token), streamName: Self.streamName(random: &random))
  }

  private static func streamName(random: inout some RandomNumberGenerator) -> String {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    let name = (0..<16).map { _ in letters[Int(random.next() % 64)] }
    return String(decoding: name, as: UTF8.self)
  }

  /// Whose call an ID means; nil when it is none of this cluster's.
  func open(_ text: String, minutes: UInt32) -> CallOwner? {
    guard let callID = CallID(text),
      case .valid(let contents) = opener.open(callID, nowMinutes: minutes),
      contents.cluster == cluster
    else { return nil }
    let transceiver = contents.transceiver
    guard transceiver.node == node else { return .elsewhere(node: transceiver.node) }
    return .here(CallReference(callID: callID, shard: transceiver.shard))
  }
}

/// Where a call lives, as its ID says.
enum CallOwner {
  case here(CallReference)
  case elsewhere(node: UInt16)
}
