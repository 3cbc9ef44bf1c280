import Testing
import Token
import Wire

@Suite("Client secrets")
struct ClientSecretTests {
  private static let now: Int64 = 1_800_000_000
  private static let session = Array(#"{"type":"realtime","instructions":"Be brief."}"#.utf8)

  private static func keys(_ seed: UInt64) -> RoutingKeys {
    var random = SeededRandom(seed: seed)
    return RoutingKeys.generate(random: &random)
  }

  private static func secret(
    _ box: ClientSecretBox, payload: [UInt8] = session, seed: UInt64 = 3
  ) -> String {
    var random = SeededRandom(seed: seed)
    return box.seal(payload, expiresUnixSeconds: now + 600, random: &random)
  }

  @Test(arguments: [0, 1, 2, 3, 46, ClientSecretBox.payloadBytesMax])
  func whatIsSealedIsReadByEveryNode(length: Int) throws {
    let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let text = Self.secret(ClientSecretBox(Self.keys(1)), payload: payload)
    #expect(text.hasPrefix("ek_1"))
    #expect(text.dropFirst(3).allSatisfy { $0.isLetter || $0.isNumber || "-_".contains($0) })
    // Another process, the same key file.
    let verdict = ClientSecretBox(Self.keys(1)).open(text, nowUnixSeconds: Self.now)
    guard case .valid(let secret) = verdict else {
      Issue.record("\(verdict)")
      return
    }
    #expect(secret.payload == payload)
    #expect(secret.expiresUnixSeconds == Self.now + 600)
  }

  @Test func itExpiresToTheSecond() {
    let box = ClientSecretBox(Self.keys(1))
    let text = Self.secret(box)
    guard case .valid = box.open(text, nowUnixSeconds: Self.now + 599) else {
      Issue.record("expired too early")
      return
    }
    #expect(box.open(text, nowUnixSeconds: Self.now + 600) == .expired)
    #expect(box.open(text, nowUnixSeconds: .max) == .expired)
  }

  @Test func twoSecretsAreToldApartAndTellNothing() {
    let box = ClientSecretBox(Self.keys(1))
    let one = Self.secret(box, seed: 3)
    let other = Self.secret(box, seed: 4)
    guard case .valid(let a) = box.open(one, nowUnixSeconds: Self.now),
      case .valid(let b) = box.open(other, nowUnixSeconds: Self.now)
    else {
      Issue.record("not valid")
      return
    }
    #expect(a.id != b.id)
    // The same content under two keys: after the salt, nothing is the same.
    #expect(one.dropFirst(26).prefix(20) != other.dropFirst(26).prefix(20))
  }

  @Test func strangersKeysAndOtherNamesAreRefused() {
    let text = Self.secret(ClientSecretBox(Self.keys(1)))
    let other = ClientSecretBox(Self.keys(2))
    #expect(other.open(text, nowUnixSeconds: Self.now) == .forged)
    let renamed = "ek_2" + text.dropFirst(4)
    #expect(
      ClientSecretBox(Self.keys(1)).open(renamed, nowUnixSeconds: Self.now) == .unknownKey)
  }

  @Test func anOldKeyStillOpens() throws {
    let old = Self.keys(1)
    let text = Self.secret(ClientSecretBox(old))
    let oldKey = try #require(old.callIDs.keys["1"])
    let rotated = try RoutingKeys(
      tokens: old.tokens,
      callIDs: SealingKeys(
        keys: ["1": oldKey, "2": [UInt8](repeating: 9, count: 16)], minting: "2"),
      password: old.password, trunk: old.trunk)
    let box = ClientSecretBox(rotated)
    guard case .valid = box.open(text, nowUnixSeconds: Self.now) else {
      Issue.record("the old key does not open")
      return
    }
    #expect(Self.secret(box).hasPrefix("ek_2"))
  }

  /// Every length and every changed character.
  @Test func nothingElseIsAccepted() {
    let box = ClientSecretBox(Self.keys(1))
    let text = Self.secret(box)
    for length in 0..<text.utf8.count {
      let cut = String(text.prefix(length))
      guard case .valid = box.open(cut, nowUnixSeconds: Self.now) else { continue }
      Issue.record("cut to \(length): accepted")
    }
    var characters = Array(text.utf8)
    for index in characters.indices {
      let original = characters[index]
      for other in [UInt8(ascii: "A"), UInt8(ascii: "+"), 0, 0xFF] where other != original {
        characters[index] = other
        let changed = String(decoding: characters, as: UTF8.self)
        if case .valid = box.open(changed, nowUnixSeconds: Self.now) {
          Issue.record("\(other) at \(index): accepted")
        }
      }
      characters[index] = original
    }
    let huge = "ek_1" + String(repeating: "A", count: 1 << 20)
    #expect(box.open(huge, nowUnixSeconds: Self.now) == .malformed)
  }
}
