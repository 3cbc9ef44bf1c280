import Sdp
import Token

extension Signalling {
  /// Answers an offer. `base` is the path that the call's own URL begins with.
  func create(
    _ request: ApiRequest, _ base: String, _ directory: some CallDirectory, _ minutes: UInt32,
    _ random: inout some RandomNumberGenerator
  ) throws(ApiError) -> ApiOutcome {
    let offer = try readOffer(request)
    let backend = try chooseBackend(request)
    guard let shard = directory.shardForNewCall() else {
      throw ApiError(503, "no_capacity", "This transceiver takes no more calls now.")
    }
    let names = mint.mint(shard: shard, minutes: minutes, random: &random)
    let answer = CallAnswer(
      iceUfrag: names.token.text, icePwd: names.password.text, fingerprint: options.fingerprint,
      candidates: candidates, ssrc: .random(in: 1 ... .max, using: &random),
      sessionNumber: .random(in: 1...(.max >> 1), using: &random))
    var response = ApiResponse(status: 201, "application/sdp", answer.render(to: offer))
    response.headers.append(("Location", base + names.callID.text))
    response.headers.append(("Cache-Control", "no-store"))
    return .create(plan(offer, answer, names, shard, backend), response)
  }

  private func readOffer(_ request: ApiRequest) throws(ApiError) -> CallOffer {
    guard request.mediaType == "application/sdp" else {
      let given = request.mediaType.isEmpty ? "nothing" : request.mediaType
      throw ApiError(
        415, "unsupported_media_type", "Send the offer as application/sdp, not \(given).",
        param: "content-type")
    }
    guard request.body.count <= Self.bodyByteCountMax else {
      throw ApiError(413, "offer_too_large", "\(SdpError(.tooLong))", param: "sdp")
    }
    do throws(SdpError) {
      return try CallOffer.parse(request.body)
    } catch {
      throw ApiError(400, "invalid_offer", error.description, param: "sdp")
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
    _ offer: CallOffer, _ answer: CallAnswer, _ names: CallNames, _ shard: UInt8, _ backend: String
  ) -> CallPlan {
    CallPlan(
      callID: names.callID, shard: shard, localUfrag: names.token, localPwd: names.password,
      remoteUfrag: offer.iceUfrag, remotePwd: offer.icePwd, fingerprints: offer.fingerprints,
      dtlsRole: offer.setup.answer, opus: offer.opus, direction: offer.direction.reversed,
      localSsrc: answer.ssrc, remoteSsrc: offer.audioSsrc, usesNack: offer.usesNack,
      canonicalName: CallAnswer.streamName, backend: backend)
  }
}
