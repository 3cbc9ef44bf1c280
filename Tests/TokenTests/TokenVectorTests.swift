import Testing
import Token
import Wire

/// What other programs must agree on, byte for byte: computed once with another implementation of
/// AES, HMAC and base64 (the openssl command and Python), so that a change of format cannot pass
/// unseen.
@Suite("Tokens: the format, in fixed figures")
struct TokenVectorTests {
  static func keys() throws -> RoutingKeys {
    try RoutingKeys(
      tokens: SealingKeys(keys: ["k": [UInt8](0..<16)], minting: "k"),
      callIDs: SealingKeys(keys: ["k": [UInt8](16..<32)], minting: "k"),
      password: [UInt8](0..<32), trunk: [UInt8](0..<16))
  }

  static let contents = TokenContents(
    cluster: 1, transceiver: TransceiverID(node: 2, shard: 3), mintedMinutes: 400_000,
    nonce: 6)

  @Test func token() throws {
    let token = try #require(RoutingToken("kioTFBhsrbuXHYxahylzNuQ"))
    let verdict = TokenOpener(try Self.keys()).open(token, nowMinutes: 400_001)
    #expect(verdict == .valid(Self.contents))
  }

  @Test func callID() throws {
    let callID = try #require(CallID("rtc_kt3lsUhBbXDNO8cwpc2heIw"))
    let verdict = CallIDOpener(try Self.keys()).open(callID, nowMinutes: 400_001)
    #expect(verdict == .valid(Self.contents))
  }

  @Test func password() throws {
    let token = try #require(RoutingToken("kioTFBhsrbuXHYxahylzNuQ"))
    let password = IcePasswordDeriver(try Self.keys()).derive(token)
    #expect(password.text == "VdXeB1G5CH3O4yZcWOSd9vHFttMz5OSh")
  }
}
