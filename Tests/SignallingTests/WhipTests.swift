import Signalling
import Testing

@Suite("Signalling: WHIP")
struct WhipTests {
  private static let fragment = """
    a=ice-ufrag:abcd\r
    a=ice-pwd:abcdefghijklmnopqrstuv\r
    m=audio 9 RTP/AVP 0\r
    a=mid:0\r
    a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\r

    """

  /// A living call, its path and its entity-tag.
  private static func call(
    _ base: String, change: (inout SignallingOptions) -> Void = { _ in }
  ) throws -> (desk: Desk, path: String, tag: String, response: ApiResponse) {
    let desk = Desk(change: change)
    guard case .create(let plan, let response) = desk.post(base, body: Desk.offer) else {
      throw Secret.Refused(status: 0, text: "no call")
    }
    desk.directory.living = [plan.reference]
    let path = try #require(response.header("Location"))
    return (desk, path, try #require(response.header("ETag")), response)
  }

  private static func patch(
    _ desk: Desk, _ path: String, tag: String?,
    type: String = "application/trickle-ice-sdpfrag", body: String = fragment
  ) -> ApiResponse {
    let match = tag.map { [(name: "if-match", value: $0)] } ?? []
    return desk.ask("PATCH", path, headers: match + [("content-type", type)], body: body).response
  }

  @Test(arguments: ["/whip", "/v1/realtime/calls"])
  func candidatesAreTaken(base: String) throws {
    let (desk, path, tag, _) = try Self.call(base)
    #expect(tag.hasPrefix("\"") && tag.hasSuffix("\"") && tag.count > 10)
    for match in [tag, "\"other\", \(tag)"] {
      let response = Self.patch(desk, path, tag: match)
      #expect(response.status == 204)
      #expect(response.header("ETag") == nil)
      #expect(response.body.isEmpty)
    }
  }

  @Test func thePreconditionsOfAPatch() throws {
    let (desk, path, tag, _) = try Self.call("/whip")
    #expect(Self.patch(desk, path, tag: nil).status == 428)
    for other in ["\"other\"", "W/\(tag)", "", String(tag.dropLast()), tag + "x"] {
      #expect(Self.patch(desk, path, tag: other).status == 412, "\(other)")
    }
    #expect(Self.patch(desk, path, tag: tag, type: "application/sdp").status == 415)
    #expect(Self.patch(desk, path, tag: tag, body: "nonsense").status == 400)
    #expect(Self.patch(desk, path, tag: tag, body: "").status == 400)
    #expect(Self.patch(desk, "/whip/rtc_nobody", tag: tag).status == 404)
  }

  /// Refused honestly, and the call goes on.
  @Test(arguments: ["*", "\"*\""])
  func aRestartIsRefusedAndTheCallGoesOn(tag: String) throws {
    let (desk, path, own, _) = try Self.call("/whip")
    let refusal = Self.patch(desk, path, tag: tag)
    #expect(refusal.status == 422)
    #expect(Self.patch(desk, path, tag: own).status == 204)
  }

  @Test func twoCallsHaveTwoTags() throws {
    let desk = Desk()
    let tags = (0..<20).map { _ in desk.post("/whip", body: Desk.offer).response.header("ETag") }
    #expect(Set(tags).count == 20)
  }

  @Test func aDeletionHeedsNoTag() throws {
    let (desk, path, _, _) = try Self.call("/whip")
    let outcome = desk.ask("DELETE", path, headers: [("if-match", "\"other\"")])
    guard case .hangUp(_, let response) = outcome else {
      Issue.record("not a hang-up")
      return
    }
    #expect(response.status == 200)
  }

  @Test func sessionsSayWhatTheyTake() throws {
    let (desk, path, _, _) = try Self.call("/whip")
    let response = desk.ask("OPTIONS", path).response
    #expect(response.status == 200)
    #expect(response.header("Accept-Patch") == "application/trickle-ice-sdpfrag")
    #expect(response.header("Access-Control-Allow-Methods") == "PATCH, DELETE, OPTIONS")
  }

  @Test func iceServersComeAsLinks() throws {
    let (_, _, _, response) = try Self.call("/whip") {
      $0.iceServers = [
        "stun:stun.example.net", "turn:turn.example.net?transport=udp,user,pass,word",
      ]
      .compactMap { IceServer($0) }
    }
    #expect(
      response.headers.filter { $0.name == "Link" }.map(\.value) == [
        "<stun:stun.example.net>; rel=\"ice-server\"",
        "<turn:turn.example.net?transport=udp>; rel=\"ice-server\"; username=\"user\"; "
          + "credential=\"pass,word\"; credential-type=\"password\"",
      ])
    #expect(try Self.call("/whip").response.headers.allSatisfy { $0.name != "Link" })
  }

  @Test(arguments: [
    "", "http://x", "stun", "turn:x,user", "turn:x,a\"b,c", "stun:<x>", "stun:x\r\nEvil: 1",
    "turn:x,user,é",
  ])
  func whatIsNoIceServerIsRefused(text: String) {
    #expect(IceServer(text) == nil)
  }
}
