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
}

/// The HTTP side of calls: Realtime calls, WHIP (RFC 9725), the page and its figures.
///
/// Sans-IO: a request in, an outcome out. Not for the packet path: it allocates. One value
/// belongs to one thread.
package struct Signalling: ~Copyable {
  /// The longest body of a request, bytes.
  package static let bodyByteCountMax = 65_536

  let options: SignallingOptions
  let candidates: [CallAnswer.Candidate]
  let mint: CallMint

  package init(_ options: SignallingOptions) {
    self.options = options
    candidates = options.candidates.map {
      CallAnswer.Candidate(address: $0.host, port: $0.port)
    }
    mint = CallMint(keys: options.keys, cluster: options.cluster, node: options.node)
  }

  /// Decides on one request.
  ///
  /// - Parameters:
  ///   - minutes: The wall clock by `TokenClock`, for the names of calls.
  ///   - random: Must be fit for secrets in production.
  package func handle(
    _ request: ApiRequest, directory: some CallDirectory, minutes: UInt32,
    random: inout some RandomNumberGenerator
  ) -> ApiOutcome {
    let route = Route(path: request.path)
    do throws(ApiError) {
      return try outcome(request, route, directory, minutes, &random).withCors
    } catch {
      var response = error.response
      if error.status == 405 {
        response.headers.append(("Allow", (route.methods + ["OPTIONS"]).joined(separator: ", ")))
      }
      return .respond(response.withCors)
    }
  }

  private func outcome(
    _ request: ApiRequest, _ route: Route, _ directory: some CallDirectory, _ minutes: UInt32,
    _ random: inout some RandomNumberGenerator
  ) throws(ApiError) -> ApiOutcome {
    if case .page(let path) = route, !options.page.contains(where: { $0.path == path }) {
      throw ApiError(404, "not_found", "There is nothing at \(path).")
    }
    if request.method == "OPTIONS" { return .respond(preflight(route)) }
    guard route.methods.contains(request.method) else {
      throw ApiError(
        405, "method_not_allowed", "\(request.method) is not a method of \(request.path).")
    }
    switch route {
    case .calls: return try create(request, "/v1/realtime/calls/", directory, minutes, &random)
    case .whip: return try create(request, "/whip/", directory, minutes, &random)
    case .hangUp(let id), .whipCall(let id):
      let call = try living(id, directory, minutes)
      return .hangUp(call, ApiResponse(status: 200))
    case .figures(let id):
      let call = try living(id, directory, minutes)
      guard let figures = directory.figures(of: call) else { throw Self.noSuchCall }
      return .respond(Self.fresh(figures.json(callID: call.callID.text)))
    case .health: return .respond(Self.fresh("{\"status\":\"ok\"}"))
    case .page(let path):
      let file = options.page.first { $0.path == path }
      return .respond(file?.response(to: request) ?? ApiResponse(status: 404))
    }
  }

  private static let noSuchCall = ApiError(
    404, "call_not_found", "No call has this ID; it may have ended.", param: "call_id")

  private func living(
    _ id: String, _ directory: some CallDirectory, _ minutes: UInt32
  ) throws(ApiError) -> CallReference {
    guard let call = mint.open(id, minutes: minutes), directory.isAlive(call) else {
      throw Self.noSuchCall
    }
    return call
  }

  private static func fresh(_ json: String) -> ApiResponse {
    var response = ApiResponse(status: 200, "application/json", json)
    response.headers.append(("Cache-Control", "no-store"))
    return response
  }
}
