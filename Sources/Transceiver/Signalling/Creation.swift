import Json
import Sdp
import Token

extension Signalling {
  /// Answers an offer. `base` is the path that the call's own URL begins with.
  func create(
    _ request: ApiRequest, _ base: String, _ asker: Asker, _ directory: some CallDirectory,
    _ unixSeconds: Int64, _ random: inout some RandomNumberGenerator
  ) throws(ApiError) -> ApiOutcome {
    let wish = try CallWish(request, asker, takesForms: base != Self.whipBase)
    guard !wish.offer.fingerprints.contains(options.fingerprint) else {
      throw ApiError(
        400, "reflected_offer",
        "The offer has this server's own fingerprint: it is an answer of this server, or made of "
          + "one. Send the client's own offer.", param: "sdp")
    }
    let backend = try chooseBackend(request)
    try checkLimit(asker.caller, directory)
    let shard = try chooseShard(directory)
    let minutes = TokenClock.minutes(unixSeconds: unixSeconds)
    let names = mint.mint(shard: shard, minutes: minutes, random: &random)
    let answer = CallAnswer(
      iceUfrag: names.token.text, icePwd: names.password.text, fingerprint: options.fingerprint,
      candidates: candidates, ssrc: .random(in: 1 ... .max, using: &random),
      streamName: names.streamName,
      sessionNumber: .random(in: 1...(.max >> 1), using: &random))
    var response = ApiResponse(status: 201, "application/sdp", answer.render(to: wish.offer))
    response.headers.append(("Location", base + names.callID.text))
    response.headers.append(("ETag", iceEntityTag(names.callID)))
    response.headers.append(("Cache-Control", "no-store"))
    response.headers += iceServerLinks
    var plan = plan(wish, answer, names, shard, backend)
    plan.caller = asker.caller
    return .create(plan, response)
  }

  private func chooseShard(_ directory: some CallDirectory) throws(ApiError) -> UInt8 {
    switch directory.shardForNewCall() {
    case .shard(let shard): return shard
    case .full: throw ApiError(503, "no_capacity", "This transceiver takes no more calls now.")
    case .overloaded:
      throw ApiError(
        503, "overloaded",
        "This transceiver cannot keep up with the calls that it has, and takes no more until it can"
          + ": try another one, or this one later.")
    }
  }

  private func checkLimit(
    _ caller: Caller, _ directory: some CallDirectory
  ) throws(ApiError) {
    let limit: Int
    switch caller {
    case .secret: limit = options.callsPerSecretMax
    case .network where caller.isOfThisMachine: limit = options.callsPerLoopbackMax
    case .key, .network: limit = options.callsPerCallerMax
    }
    guard directory.callCount(of: caller) < limit else {
      throw ApiError(
        429, "too_many_calls", "You have \(limit) calls at once; end one before the next.")
    }
  }

  private func chooseBackend(_ request: ApiRequest) throws(ApiError) -> String {
    guard let name = request.parameter("backend") else { return options.backends[0] }
    guard options.backends.contains(name) else {
      let known = options.backends.joined(separator: ", ")
      throw ApiError(
        400, "unknown_backend", "No backend is called \(name); known: \(known).", param: "backend")
    }
    return name
  }

  private func plan(
    _ wish: CallWish, _ answer: CallAnswer, _ names: CallNames, _ shard: UInt8, _ backend: String
  ) -> CallPlan {
    let offer = wish.offer
    return CallPlan(
      callID: names.callID, shard: shard, localUfrag: names.token, localPwd: names.password,
      remoteUfrag: offer.iceUfrag, remotePwd: offer.icePwd,
      offerByteCount: wish.offerByteCount, fingerprints: offer.fingerprints,
      dtlsRole: offer.setup.answer, opus: offer.opus, direction: offer.answerDirection,
      heardPayloadTypes: offer.heardLines.map(\.opus.payloadType),
      levelExtension: offer.levelExtension, redPayloadTypes: offer.heardRedPayloadTypes,
      redPayloadType: offer.spokenLine?.redPayloadType, asksForResends: offer.asksForResends,
      transportSequenceExtension: offer.spokenLine?.transportSequenceExtension,
      localSsrc: answer.ssrc,
      canonicalName: answer.streamName, channels: offer.channels, backend: backend,
      session: wish.session)
  }
}

/// What a request for a call brings: an offer, and perhaps the session's configuration.
private struct CallWish {
  let offer: CallOffer
  let offerByteCount: Int
  /// JSON; empty when nobody says what the session shall be.
  private(set) var session: [UInt8]

  /// - Parameter takesForms: whether the offer may be a part of a form; WHIP wants it bare
  ///   (RFC 9725, section 4.2).
  init(_ request: ApiRequest, _ asker: Asker, takesForms: Bool) throws(ApiError) {
    let type = request.contentType
    switch type.value {
    case "application/sdp":
      offer = try Self.readOffer(request.body)
      offerByteCount = request.body.count
      session = asker.session ?? []
    case "multipart/form-data" where takesForms:
      let form = try Self.readForm(request.body, boundary: type.parameters["boundary"] ?? "")
      let sdp = try Self.part("sdp", of: form, types: ["application/sdp"]) ?? []
      offer = try Self.readOffer(sdp)
      offerByteCount = sdp.count
      session = asker.session ?? []
      if let text = try Self.part("session", of: form, types: ["application/json"]) {
        guard asker.session == nil else {
          throw ApiError(
            400, "session_already_set", "The client secret already says what the session is.",
            param: "session")
        }
        session = try SessionText(text).bytes
      }
    default:
      let given = type.value.isEmpty ? "nothing" : type.value
      let wanted = takesForms ? "application/sdp or multipart/form-data" : "application/sdp"
      throw ApiError(
        415, "unsupported_media_type", "Send the offer as \(wanted), not \(given).",
        param: "content-type")
    }
    if session.isEmpty, let model = request.parameter("model") {
      var stated = JsonObject()
      stated.add("type", "realtime")
      stated.add("model", model)
      session = Array(stated.text.utf8)
    }
  }

  private static func readOffer(_ bytes: [UInt8]) throws(ApiError) -> CallOffer {
    guard bytes.count <= CallOffer.byteCountMax else {
      throw ApiError(413, "offer_too_large", "\(SdpError(.tooLong))", param: "sdp")
    }
    do throws(SdpError) {
      return try CallOffer.parse(bytes)
    } catch {
      throw ApiError(400, "invalid_offer", error.description, param: "sdp")
    }
  }

  private static func readForm(
    _ body: [UInt8], boundary: String
  ) throws(ApiError) -> MultipartForm {
    do throws(MultipartForm.Defect) {
      return try MultipartForm(body, boundary: boundary)
    } catch {
      throw ApiError(400, "invalid_form", "multipart/form-data: \(error.description).")
    }
  }

  /// The bytes of a part; nil when the form has none of that name. Clients that know no better
  /// call a part plain text, or nothing.
  private static func part(
    _ name: String, of form: MultipartForm, types: [String]
  ) throws(ApiError) -> [UInt8]? {
    guard let part = form[name] else { return nil }
    guard (types + ["", "text/plain", "application/octet-stream"]).contains(part.mediaType) else {
      throw ApiError(
        415, "unsupported_media_type", "Send the part \(name) as \(types[0]).", param: name)
    }
    return Array(part.body)
  }
}
