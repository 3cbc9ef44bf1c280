import Json
import Sdp
import Signalling
import Token
import Wire

/// Signalling with keys and randomness of its own, and a directory that the test fills.
final class Desk {
  /// What `CallDirectory` answers.
  final class Directory: CallDirectory {
    var choice = ShardChoice.shard(3)
    var living: Set<CallReference> = []
    var counts: [Caller: Int] = [:]

    func shardForNewCall() -> ShardChoice { choice }
    func callCount(of caller: Caller) -> Int { counts[caller] ?? 0 }
    func isAlive(_ call: CallReference) -> Bool { living.contains(call) }

    func figures(of call: CallReference) -> JsonObject? {
      guard isAlive(call) else { return nil }
      var figures = JsonObject()
      figures.add("id", call.callID.text)
      figures.add("shard", call.shard)
      return figures
    }
  }

  static let minutes: UInt32 = 1000
  /// The wall clock that belongs to `minutes`.
  static let unixSeconds: Int64 = 1_767_225_600 + 60_000
  static let keys = keys(seed: 1)

  let directory = Directory()
  /// Whose requests they are.
  var peer = "192.0.2.77"
  private let signalling: Signalling
  private var random: SeededRandom

  init(
    choice: ShardChoice = .shard(3), seed: UInt64 = 1, cluster: UInt16 = 9, node: UInt16 = 7,
    change: (inout SignallingOptions) -> Void = { _ in }
  ) {
    random = SeededRandom(seed: seed)
    directory.choice = choice
    var options = SignallingOptions(
      candidates: [
        TransportAddress("[2001:db8::5]:3478")!, TransportAddress("192.0.2.5:3478")!,
      ],
      fingerprint: Fingerprint(.sha256, bytes: [UInt8](repeating: 1, count: 32))!,
      backends: ["echo", "parrot"],
      page: [
        PageFile(
          path: "/", mediaType: "text/html; charset=utf-8", body: Array("<html>".utf8)),
        PageFile(path: "/page.js", mediaType: "text/javascript", body: Array("x".utf8)),
      ], keys: Self.keys(seed: seed), cluster: cluster, node: node)
    change(&options)
    signalling = Signalling(options)
  }

  static func keys(seed: UInt64) -> RoutingKeys {
    var random = SeededRandom(seed: seed)
    return RoutingKeys.generate(random: &random)
  }

  func ask(
    _ method: String, _ target: String, headers: [(name: String, value: String)] = [],
    body: String = "", bytes: [UInt8]? = nil, laterSeconds: Int64 = 0
  ) -> ApiOutcome {
    signalling.handle(
      request(method, target, headers: headers, body: bytes ?? Array(body.utf8)),
      directory: directory, unixSeconds: Self.unixSeconds + laterSeconds, random: &random)
  }

  /// Asks for a WebSocket.
  func upgrade(
    _ target: String, headers: [(name: String, value: String)] = []
  ) -> UpgradeOutcome {
    signalling.upgrade(
      request("GET", target, headers: headers, body: []), directory: directory,
      unixSeconds: Self.unixSeconds, random: &random)
  }

  private func request(
    _ method: String, _ target: String, headers: [(name: String, value: String)], body: [UInt8]
  ) -> ApiRequest {
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let query = parts.dropFirst().flatMap { $0.split(separator: "&") }.map(String.init)
    return ApiRequest(
      method: method, path: String(parts[0]), query: query, headers: headers, body: body,
      peer: peer)
  }

  func post(
    _ target: String, type: String = "application/sdp", body: String
  ) -> ApiOutcome {
    ask("POST", target, headers: type.isEmpty ? [] : [("content-type", type)], body: body)
  }

  /// The plan of a call made at that path; nil when none was made.
  func plan(_ target: String) -> CallPlan? {
    guard case .create(let plan, _) = post(target, body: Self.offer) else { return nil }
    return plan
  }

  /// The body as text.
  static func text(_ outcome: ApiOutcome) -> String {
    String(decoding: outcome.response.body, as: UTF8.self)
  }

  static let offer = """
    v=0\r
    o=- 1 1 IN IP4 0.0.0.0\r
    s=-\r
    t=0 0\r
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r
    a=ice-ufrag:abcd\r
    a=ice-pwd:abcdefghijklmnopqrstuv\r
    a=fingerprint:sha-256 \((0..<32).map { _ in "AB" }.joined(separator: ":"))\r
    a=setup:actpass\r
    a=rtcp-mux\r
    a=rtpmap:111 opus/48000/2\r
    a=rtcp-fb:111 nack\r
    a=ssrc:4711 cname:x\r

    """
}
