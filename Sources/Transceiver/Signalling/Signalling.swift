import Json
package import Sdp
package import Token
package import Wire

/// What signalling is told at start.
package struct SignallingOptions: Sendable {
  /// The relays' public addresses, best first; must not be empty.
  package var candidates: [TransportAddress]
  /// Our DTLS certificate.
  package var fingerprint: Fingerprint
  /// The backends that a client may choose; the first is the default.
  package var backends: [String]
  /// The page's files; may be empty.
  package var page: [PageFile]

  /// What tokens, call IDs and ICE passwords are made with. Secrets.
  package var keys: RoutingKeys
  package var cluster: UInt16
  /// This transceiver's node number; the shard comes from the directory, call by call.
  package var node: UInt16
  /// The other nodes of the cluster that requests can be sent to.
  package var peers: Set<UInt16> = []

  package var access = Access.open
  /// Calls at once that one API key may have, or one address where nobody needs a key.
  package var callsPerCallerMax = Int.max
  /// The same for who calls from a loopback address without a key: a program of this machine, or
  /// everybody behind a proxy on it.
  package var callsPerLoopbackMax = Int.max
  /// Calls at once that one client secret may have.
  package var callsPerSecretMax = 16
  /// Told to clients with the answer.
  package var iceServers: [IceServer] = []

  package init(
    candidates: [TransportAddress], fingerprint: Fingerprint, backends: [String],
    page: [PageFile] = [], keys: RoutingKeys, cluster: UInt16, node: UInt16
  ) {
    precondition(!candidates.isEmpty, "signalling needs a candidate to answer with")
    precondition(!backends.isEmpty, "signalling needs a backend")
    self.candidates = candidates
    self.fingerprint = fingerprint
    self.backends = backends
    self.page = page
    self.keys = keys
    self.cluster = cluster
    self.node = node
  }
}

/// What shall happen after a request.
package enum ApiOutcome: Sendable {
  /// Only the response.
  case respond(ApiResponse)
  /// First begin the session, then send the response (201).
  case create(CallPlan, ApiResponse)
  /// End the call, and send the response.
  case hangUp(CallReference, ApiResponse)
  /// Send the request to the node that owns the call, and its answer back.
  case forward(Forward)
}

/// What shall become of a request for a WebSocket.
package enum UpgradeOutcome: Sendable {
  /// No WebSocket: the response instead.
  case refuse(ApiResponse)
  /// A WebSocket beside this call.
  case attach(CallReference)
  /// Tie it to one at the node that owns the call.
  case forward(Forward)
}

/// The HTTP side of calls: Realtime calls, WHIP (RFC 9725), the page and its figures.
///
/// Sans-IO: a request in, an outcome out. Not for the packet path: it allocates. One value
/// belongs to one thread. The calls of another dialect get paths of their own, beside
/// `/v1/realtime`, and are not found here until then.
package struct Signalling: ~Copyable {
  /// The longest body of a request, bytes: a form with an offer and a session.
  package static let bodyByteCountMax = 131_072

  static let callsBase = "/v1/realtime/calls/"
  static let whipBase = "/whip/"

  let options: SignallingOptions
  let candidates: [CallAnswer.Candidate]
  let mint: CallMint
  let secrets: ClientSecretBox
  private let gate: Gate
  private let hops: HopMarks

  package init(_ options: SignallingOptions) {
    self.options = options
    candidates = options.candidates.map {
      CallAnswer.Candidate(address: $0.host, port: $0.port)
    }
    mint = CallMint(keys: options.keys, cluster: options.cluster, node: options.node)
    secrets = ClientSecretBox(options.keys)
    gate = Gate(options.access, options.keys)
    hops = HopMarks(options.keys)
  }

  /// Decides on one request.
  ///
  /// - Parameters:
  ///   - unixSeconds: The wall clock, for the names of calls and the age of secrets.
  ///   - random: Must be fit for secrets in production.
  package func handle(
    _ request: ApiRequest, directory: some CallDirectory, unixSeconds: Int64,
    random: inout some RandomNumberGenerator
  ) -> ApiOutcome {
    let route = Route(path: request.path)
    do throws(ApiError) {
      return try outcome(request, route, directory, unixSeconds, &random).withCors
    } catch {
      return .respond(error.response(on: route).withCors)
    }
  }

  /// Decides on a request for a WebSocket.
  package func upgrade(
    _ request: ApiRequest, directory: some CallDirectory, unixSeconds: Int64,
    random: inout some RandomNumberGenerator
  ) -> UpgradeOutcome {
    let route = Route(path: request.path)
    do throws(ApiError) {
      try gate.checkHost(of: request)
      guard route == .sideband else { throw Self.nothing(at: request.path) }
      let asker = try admit(request, unixSeconds)
      guard asker.mayManage else { throw Self.needsKey }
      guard let id = request.parameter("call_id") else {
        throw ApiError(
          400, "missing_call_id", "Name the call: /v1/realtime?call_id=rtc_...", param: "call_id")
      }
      switch try find(id, request, asker, directory, unixSeconds, &random) {
      case .here(let call): return .attach(call)
      case .elsewhere(let forward): return .forward(forward)
      }
    } catch {
      return .refuse(error.response(on: route).withCors)
    }
  }

  private func outcome(
    _ request: ApiRequest, _ route: Route, _ directory: some CallDirectory, _ unixSeconds: Int64,
    _ random: inout some RandomNumberGenerator
  ) throws(ApiError) -> ApiOutcome {
    // Who asks whether the process lives may not know its name.
    if route != .health { try gate.checkHost(of: request) }
    if case .page(let path) = route, !options.page.contains(where: { $0.path == path }) {
      throw Self.nothing(at: path)
    }
    if request.method == "OPTIONS" { return .respond(preflight(route)) }
    guard route.methods.contains(request.method) else {
      throw ApiError(
        405, "method_not_allowed", "\(request.method) is not a method of \(request.path).")
    }
    guard request.body.isEmpty || request.isBodyPlain else { throw Self.encodedBody }
    switch route {
    case .health: return .respond(Self.fresh("{\"status\":\"ok\"}"))
    case .page(let path):
      let file = options.page.first { $0.path == path }
      return .respond(file?.response(to: request) ?? ApiResponse(status: 404))
    default: break
    }
    let asker = try admit(request, unixSeconds)
    switch route {
    case .calls, .whip:
      let base = route == .whip ? Self.whipBase : Self.callsBase
      return try create(request, base, asker, directory, unixSeconds, &random)
    case .secrets:
      guard asker.mayManage else { throw Self.needsKey }
      return .respond(try makeSecret(request, unixSeconds, &random))
    case .backends:
      var object = JsonObject()
      object.add("backends", options.backends)
      return .respond(Self.fresh(object.text))
    case .sideband:
      throw ApiError(426, "upgrade_required", "This is a WebSocket: ask for an upgrade.")
    case .call(let id), .hangUp(let id), .whipCall(let id), .figures(let id):
      switch try find(id, request, asker, directory, unixSeconds, &random) {
      case .here(let call): return try act(on: call, request, route, directory)
      case .elsewhere(let forward): return .forward(forward)
      }
    case .health, .page: preconditionFailure("\(route) was answered above")
    }
  }

  /// What is asked of a living call of this node.
  private func act(
    on call: CallReference, _ request: ApiRequest, _ route: Route, _ directory: some CallDirectory
  ) throws(ApiError) -> ApiOutcome {
    if case .figures = route {
      guard let figures = directory.figures(of: call) else { throw Self.noSuchCall }
      return .respond(Self.fresh(figures.text))
    }
    if request.method == "PATCH" { return .respond(try patch(request, call)) }
    return .hangUp(call, ApiResponse(status: 200))
  }

  /// Who sent the request: somebody whom we let in, or whom another node of the cluster did.
  private func admit(_ request: ApiRequest, _ unixSeconds: Int64) throws(ApiError) -> Asker {
    let minutes = TokenClock.minutes(unixSeconds: unixSeconds)
    if hops.take(from: request, minutes: minutes) {
      return Asker(caller: Caller(peer: request.peer), mayManage: true, isForwarded: true)
    }
    return try gate.admit(request, unixSeconds: unixSeconds)
  }

  // MARK: - Finding calls

  private enum Place {
    case here(CallReference)
    case elsewhere(Forward)
  }

  /// Where the call is that a request names; throws 404 when there is none.
  private func find(
    _ id: String, _ request: ApiRequest, _ asker: Asker, _ directory: some CallDirectory,
    _ unixSeconds: Int64, _ random: inout some RandomNumberGenerator
  ) throws(ApiError) -> Place {
    let minutes = TokenClock.minutes(unixSeconds: unixSeconds)
    switch mint.open(id, minutes: minutes) {
    case nil: throw Self.noSuchCall
    case .here(let call):
      guard directory.isAlive(call) else { throw Self.noSuchCall }
      return .here(call)
    case .elsewhere(let node):
      // Two nodes that take each other for the owner would send it to and fro for ever.
      guard !asker.isForwarded else {
        throw ApiError(508, "loop_detected", "This request has already been forwarded once.")
      }
      guard options.peers.contains(node) else { throw Self.noSuchCall }
      let mark = hops.make(for: request, minutes: minutes, random: &random)
      return .elsewhere(Forward(node: node, header: (HopMarks.field, mark)))
    }
  }

  private static let noSuchCall = ApiError(
    404, "call_not_found", "No call has this ID; it may have ended.", param: "call_id")

  /// What is answered when a shard could not begin a call that was agreed on.
  package static var notBegun: ApiResponse {
    ApiError(503, "call_not_begun", "The call could not begin. Try again a little later.")
      .response(on: .calls).withCors
  }

  private static let encodedBody = ApiError(
    415, "unsupported_encoding",
    "A body is taken as it is, without Content-Encoding: send it without compression.")

  private static let needsKey = ApiError(
    403, "api_key_needed", "A client secret may not do this; it takes an API key.")

  private static func nothing(at path: String) -> ApiError {
    // A server's failure (501) would make clients ask again.
    if path.hasPrefix("/v1/live/") {
      return ApiError(
        404, "not_found",
        "Sessions of the Live API are not taken here; calls begin at \(callsBase.dropLast()).")
    }
    return ApiError(404, "not_found", "There is nothing at \(path).")
  }

  static func fresh(_ json: String) -> ApiResponse {
    var response = ApiResponse(status: 200, "application/json", json)
    response.headers.append(("Cache-Control", "no-store"))
    return response
  }
}

extension ApiError {
  /// The refusal with the fields that its status calls for (RFC 9110, section 15).
  fileprivate func response(on route: Route) -> ApiResponse {
    var response = response
    switch status {
    case 401: response.headers.append(("WWW-Authenticate", "Bearer realm=\"martlet\""))
    case 405:
      let methods = (route.methods + ["OPTIONS"]).joined(separator: ", ")
      response.headers.append(("Allow", methods))
    case 415: response.headers.append(("Accept-Encoding", "identity"))
    case 426: response.headers.append(("Upgrade", "websocket"))
    case 429, 503: response.headers.append(("Retry-After", "5"))
    default: break
    }
    return response
  }
}
