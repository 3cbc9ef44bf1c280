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

/// Marks requests that one transceiver sends to another: the sender has let the client in and sent
/// the request to the owner of its call, so the owner takes it as it is, and sends it no further.
/// No key of a client goes between two nodes.
///
///     <key name>.<minutes>.<nonce>.<hexadecimal HMAC-SHA256>
///
/// The tag covers the time, the nonce and all of the request that the owner looks at. A mark is
/// good for few minutes and, where the request changes anything, once: who can read along gains
/// nothing by repeating it. One value belongs to one thread.
final class HopMarks {
  static let field = "martlet-hop"
  /// How far the clocks of two nodes may be apart, and how long a mark is good.
  private static let toleranceMinutes: UInt32 = 2
  /// Marks that are remembered; beyond that, none is taken that would have to be. Only nodes of the
  /// cluster can fill it.
  static let spentMax = 1 << 17

  private let keys: DerivedKeys
  /// When the marks that were used were made, by the beginning of their tags.
  private var spent: [UInt64: UInt32] = [:]
  private var sweptMinutes: UInt32 = 0

  init(_ keys: RoutingKeys) {
    self.keys = DerivedKeys(keys, purpose: "martlet hop")
  }

  func make(
    for request: ApiRequest, minutes: UInt32, random: inout some RandomNumberGenerator
  ) -> String {
    let nonce = String(random.next(), radix: 16)
    let tag = keys.tag(Self.message(request, minutes, nonce))
    return "\(keys.minting).\(minutes).\(nonce).\(KeyText.text(tag))"
  }

  /// Whether the request bears a mark that was made for it, not long ago; uses the mark up.
  func take(from request: ApiRequest, minutes now: UInt32) -> Bool {
    guard let text = request.header(Self.field) else { return false }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0].count == 1, let minutes = UInt32(parts[1]),
      max(minutes, now) - min(minutes, now) <= Self.toleranceMinutes,
      let name = parts[0].first, parts[2].utf8.count <= 16,
      let tag = keys.tag(Self.message(request, minutes, String(parts[2])), name: name),
      let given = try? KeyText.bytes(String(parts[3])), Gate.equal(tag, given)
    else { return false }
    if Forward.isReadOnly(request) { return true }
    return spend(tag.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }, made: minutes, now: now)
  }

  private func spend(_ mark: UInt64, made minutes: UInt32, now: UInt32) -> Bool {
    if sweptMinutes != now {
      spent = spent.filter { max($0.value, now) - min($0.value, now) <= Self.toleranceMinutes }
      sweptMinutes = now
    }
    guard spent.count < Self.spentMax, spent[mark] == nil else { return false }
    spent[mark] = minutes
    return true
  }

  /// No part but the last can hold the byte that ends a part.
  private static func message(
    _ request: ApiRequest, _ minutes: UInt32, _ nonce: String
  ) -> [UInt8] {
    let fields = Forward.clientFields(of: request).map { "\($0.name): \($0.value)" }
    let parts = [Forward.method(of: request), Forward.target(request), "\(minutes)", nonce]
    return Array((parts + fields + ["", ""]).joined(separator: "\n").utf8) + request.body
  }
}
