import Token

/// A request about a call that another transceiver owns, to be sent there once.
package struct Forward: Sendable {
  /// The node that owns the call.
  package let node: UInt16
  /// The field to add to the request: it says that it has been forwarded.
  package let header: (name: String, value: String)

  /// The answer when the node cannot be reached.
  package var unreachable: ApiResponse {
    let sentence = "The transceiver that owns this call does not answer."
    return ApiError(502, "owner_unreachable", sentence).response.withCors
  }
}

/// Marks requests that one transceiver sends to another, so that none goes further: two nodes that
/// take each other for the owner of a call would send it to and fro for ever. Signed, so that
/// nobody else can write such a mark.
///
///     <key name>.<minutes>.<hexadecimal HMAC-SHA256 of "METHOD call-id minutes">
struct HopMark: Sendable {
  static let field = "martlet-hop"
  /// How far the clocks of two nodes may be apart, and how long a mark is good.
  private static let toleranceMinutes: UInt32 = 2

  private let keys: DerivedKeys

  init(_ keys: RoutingKeys) {
    self.keys = DerivedKeys(keys, purpose: "martlet hop")
  }

  func make(method: String, call: CallID, minutes: UInt32) -> String {
    let tag = keys.tag(Self.message(method, call, minutes))
    return "\(keys.minting).\(minutes).\(KeyText.text(tag))"
  }

  /// Whether a mark was made for this request, not long ago.
  func isGenuine(_ text: String, method: String, call: CallID, minutes now: UInt32) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].count == 1, let minutes = UInt32(parts[1]),
      max(minutes, now) - min(minutes, now) <= Self.toleranceMinutes,
      let name = parts[0].first,
      let tag = keys.tag(Self.message(method, call, minutes), name: name),
      let given = try? KeyText.bytes(String(parts[2]))
    else { return false }
    return Gate.equal(tag, given)
  }

  private static func message(_ method: String, _ call: CallID, _ minutes: UInt32) -> [UInt8] {
    Array("\(method) \(call.text) \(minutes)".utf8)
  }
}
