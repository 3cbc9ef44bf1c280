import Sdp
import Token

// What a client may do to the ICE session of a call over HTTP (RFC 9725, section 4.3).

extension Signalling {
  static let fragmentType = "application/trickle-ice-sdpfrag"

  /// Names the ICE session of a call. It stands as long as the call: there are no restarts.
  func iceEntityTag(_ callID: CallID) -> String {
    "\"\(String(PageFile.hash(callID.text.utf8), radix: 16))\""
  }

  /// `PATCH` on a call: a client's further candidates. They are read and not needed: we are
  /// ICE-lite and send no checks of our own; where the client is, its own checks tell.
  func patch(_ request: ApiRequest, _ call: CallReference) throws(ApiError) -> ApiResponse {
    guard request.contentType.value == Self.fragmentType else {
      throw ApiError(
        415, "unsupported_media_type", "Send candidates as \(Self.fragmentType).",
        param: "content-type")
    }
    guard let wanted = request.header("if-match") else {
      throw ApiError(
        428, "precondition_required", "Send If-Match with the ETag of the answer.",
        param: "if-match")
    }
    do throws(SdpError) {
      _ = try TrickleFragment(request.body)
    } catch {
      throw ApiError(400, "invalid_fragment", error.description(of: "fragment"))
    }
    let tags = wanted.split(separator: ",").map { tag in tag.filter { $0 != " " && $0 != "\t" } }
    // RFC 9725, section 4.3.3: who means any ICE session wants a new one.
    guard tags != ["*"] && tags != ["\"*\""] else {
      throw ApiError(
        422, "ice_restart_unsupported",
        "ICE restarts are not supported; the call goes on as it is. Begin a new call instead.")
    }
    guard tags.contains(iceEntityTag(call.callID)) else {
      throw ApiError(
        412, "precondition_failed", "This is not the ETag of the call's ICE session.",
        param: "if-match")
    }
    return ApiResponse(status: 204)
  }

  /// The STUN and TURN servers of the deployment, as WHIP names them (RFC 9725, section 4.6).
  var iceServerLinks: [(name: String, value: String)] {
    options.iceServers.map { ("Link", $0.link) }
  }
}

/// A STUN or TURN server that clients shall use (RFC 7064, RFC 7065).
package struct IceServer: Sendable, Equatable {
  /// For instance `stun:stun.example.org:3478`.
  package let url: String
  /// For TURN. They go to every client; nil: the server asks for none.
  package let username: String?
  package let credential: String?

  /// `URL`, or `URL,USERNAME,CREDENTIAL`; nil for anything else, and for characters that would not
  /// survive in a header field.
  package init?(_ text: String) {
    let parts = text.split(separator: ",", maxSplits: 2, omittingEmptySubsequences: false)
      .map(String.init)
    let schemes = ["stun:", "stuns:", "turn:", "turns:"]
    guard parts.count == 1 || parts.count == 3, schemes.contains(where: parts[0].hasPrefix),
      text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
      !text.contains(where: { "<>\"\\".contains($0) })
    else { return nil }
    url = parts[0]
    username = parts.count == 3 ? parts[1] : nil
    credential = parts.count == 3 ? parts[2] : nil
  }

  /// The value of a `Link` field (RFC 8288).
  var link: String {
    let base = "<\(url)>; rel=\"ice-server\""
    guard let username, let credential else { return base }
    return base + "; username=\"\(username)\"; credential=\"\(credential)\"; "
      + "credential-type=\"password\""
  }
}
