import Crypto
package import Token
import Wire

/// Whom the HTTP API serves.
package enum Access: Sendable {
  /// Everybody who reaches its address.
  case open
  /// Everybody who reaches its address, but no page of another site that somebody's browser shows:
  /// the programs of this machine, and pages that were opened by one of these names.
  case local(LocalNames)
  /// Who brings one of these API keys, or a client secret. Secrets: never print them.
  case keys([String])
}

/// Who asks, as far as limits tell people apart.
package enum Caller: Hashable, Sendable {
  /// By its network, where nobody has to say who they are: an IPv4 address, or the first 64 bits
  /// of an IPv6 address.
  case network(String)
  /// By an API key: the beginning of its keyed hash.
  case key(UInt64)
  case secret(ClientSecret.ID)
}

extension Caller {
  /// Whoever has the IP address. IPv6 gives a customer 64 bits to choose from and more (RFC 6177,
  /// section 2), so addresses that share their first 64 count as one.
  init(peer: String) {
    guard let address = TransportAddress(peer: peer), !address.isIPv4 else {
      // `::ffff:1.2.3.4` is 1.2.3.4 where one socket listens for both.
      self = .network(TransportAddress(peer: peer)?.host ?? peer)
      return
    }
    self = .network(TransportAddress(high: address.high, low: 0, port: 0).host + "/64")
  }

  /// Whether it calls from a loopback address; of `::/64`, `::1` alone can call.
  var isOfThisMachine: Bool {
    guard case .network(let network) = self else { return false }
    return network.hasPrefix("127.") || network == "::/64"
  }
}

/// Somebody who has been let in.
struct Asker {
  var caller: Caller
  /// Whether it may make client secrets and listen to calls: an API key may, a client secret may
  /// not, because browsers hold those.
  var mayManage: Bool
  /// The session that the client secret prescribes; nil without a client secret.
  var session: [UInt8]?
  /// Another node has let it in, and found that the call is ours.
  var isForwarded = false
}

/// Tells who asks (RFC 6750, section 2.1), and keeps the others out.
struct Gate: Sendable {
  private static let missing = ApiError(
    401, "invalid_api_key",
    "An API key or a client secret is needed: Authorization: Bearer KEY.")
  private static let wrong = ApiError(401, "invalid_api_key", "This API key is not known here.")
  private static let expired = ApiError(
    401, "expired_client_secret", "This client secret has expired; make a new one.")
  private static let foreignPage = ApiError(
    403, "foreign_page",
    "Where nobody needs a key, pages of other sites may not make calls: name the page's host with "
      + "--http-name, start with --api-keys, or with --no-auth to let all of them.")
  private static let foreignHost = ApiError(
    403, "foreign_host",
    "Where nobody needs a key, this server answers to localhost and loopback addresses only, not "
      + "to the name in the Host field: use one of them, give this name with --http-name, or "
      + "start with --api-keys.")
  private static let noHost = ApiError(
    400, "host_missing", "The request has no Host field (RFC 9112, section 3.2).")

  /// What API keys are hashed with, so that comparing them tells nothing about them.
  private let pepper: DerivedKeys
  /// The hashes of the API keys; nil when everybody is let in.
  private let known: [[UInt8]]?
  /// By which names it may be called; nil when any will do.
  private let names: LocalNames?
  private let secrets: ClientSecretBox

  init(_ access: Access, _ keys: RoutingKeys) {
    let pepper = DerivedKeys(keys, purpose: "martlet api key")
    self.pepper = pepper
    secrets = ClientSecretBox(keys)
    if case .local(let names) = access { self.names = names } else { names = nil }
    switch access {
    case .open, .local: known = nil
    case .keys(let texts): known = texts.map { pepper.tag(Array($0.utf8)) }
    }
  }

  /// Throws when the request calls the server by a name that it does not go by (RFC 9110, 7.4).
  func checkHost(of request: ApiRequest) throws(ApiError) {
    guard let names else { return }
    guard let host = request.header("host") else { throw Self.noHost }
    guard names.include(authority: host) else { throw Self.foreignHost }
  }

  /// Who sent the request; throws 401 when nobody may know.
  func admit(_ request: ApiRequest, unixSeconds: Int64) throws(ApiError) -> Asker {
    let token = request.bearerToken
    if let token, ClientSecretBox.isMeant(by: token) {
      return try admit(secret: token, unixSeconds)
    }
    guard let known else {
      if let names, let origin = request.header("origin"), !names.include(origin: origin) {
        throw Self.foreignPage
      }
      return Asker(caller: Caller(peer: request.peer), mayManage: true)
    }
    guard let token else { throw Self.missing }
    let hash = pepper.tag(Array(token.utf8))
    // All of them are compared: how long it takes does not tell which one it was.
    let isKnown = known.reduce(false) { found, other in Self.equal(hash, other) || found }
    guard isKnown else { throw Self.wrong }
    return Asker(caller: .key(hash.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }), mayManage: true)
  }

  private func admit(secret text: String, _ unixSeconds: Int64) throws(ApiError) -> Asker {
    switch secrets.open(text, nowUnixSeconds: unixSeconds) {
    case .valid(let secret):
      return Asker(caller: .secret(secret.id), mayManage: false, session: secret.payload)
    case .expired: throw Self.expired
    case .malformed, .unknownKey, .forged: throw Self.wrong
    }
  }

  static func equal(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    unsafe a.withUnsafeBytes { a in
      unsafe b.withUnsafeBytes { b in unsafe equalInConstantTime(a, b) }
    }
  }
}

extension ApiRequest {
  /// The token of `Authorization: Bearer`; or, for WebSockets of browsers, which cannot send that
  /// field, the key that their subprotocols hold in the way of the OpenAI SDKs.
  var bearerToken: String? {
    if let field = header("authorization") {
      let sides = field.split(separator: " ", maxSplits: 1)
      guard sides.count == 2, sides[0].lowercased() == "bearer" else { return nil }
      return String(sides[1].drop { $0 == " " })
    }
    return subprotocols.first { $0.hasPrefix(Self.keyProtocol) }
      .map { String($0.dropFirst(Self.keyProtocol.count)) }
  }

  private static let keyProtocol = "openai-insecure-api-key."

  /// What `Sec-WebSocket-Protocol` offers (RFC 6455, section 4.1).
  var subprotocols: [String] {
    (header("sec-websocket-protocol") ?? "").split(separator: ",").map { part in
      String(part.filter { $0 != " " && $0 != "\t" })
    }
  }
}
