import Crypto

/// What a client secret (`ek_...`) says. An application's server asks for one and hands it to a
/// browser or a phone, which may then begin calls until it expires.
package struct ClientSecret: Sendable, Equatable {
  /// Drawn at random: tells secrets apart.
  package struct ID: Hashable, Sendable {
    /// Bytes 0 to 7 of the salt, as a number (network order).
    package let high: UInt64
    /// Bytes 8 to 15 of the salt, as a number (network order).
    package let low: UInt64
  }

  /// The salt of its text: the same each time that the secret is used.
  package var id: ID
  /// The first second in which it is no longer good, since 1970 (`CLOCK_REALTIME`).
  package var expiresUnixSeconds: Int64
  /// What the calls shall be told, for instance the session's configuration as JSON.
  package var payload: [UInt8]
}

/// What became of a text that claimed to be a client secret.
package enum ClientSecretVerdict: Sendable, Equatable {
  case valid(ClientSecret)
  /// Not `ek_`, a key's name and base64 of a fitting length.
  case malformed
  /// No key has the name that it gives.
  case unknownKey
  /// Made under other keys, or changed.
  case forged
  case expired
}

/// Makes and reads client secrets. They are sealed, so that whoever holds one cannot read the
/// configuration in it, and nobody keeps them: every transceiver with the same key file can open
/// them. A plain value that any thread may use.
///
///     text   = "ek_" + key name 1 + base64url(salt 16 B | sealed)
///     sealed = AES-256-GCM(key: HMAC-SHA256(derived key, salt), nonce: 0; expires 8 B | payload)
///
/// Each secret has a key of its own from 128 random bits, so the nonce may stand still.
package struct ClientSecretBox: Sendable {
  /// The longest payload, bytes. A secret travels in an HTTP field, of which servers take 8 to
  /// 16 KiB.
  package static let payloadBytesMax = 8_192

  private static let prefix = "ek_"
  private static let saltBytes = 16
  private static let nonce = [UInt8](repeating: 0, count: Aes256Gcm.nonceBytes)
  /// The longest text: base64 of everything.
  private static let textBytesMax =
    4 + ((saltBytes + 8 + payloadBytesMax + Aes256Gcm.tagBytes) * 4 + 2) / 3

  private let keys: DerivedKeys

  /// Derives its keys from the call ID keys: a secret opens as long as the one it was made under
  /// is configured.
  package init(_ keys: RoutingKeys) {
    self.keys = DerivedKeys(keys, purpose: "martlet client secret")
  }

  /// Whether a text is meant to be a client secret, good or bad.
  package static func isMeant(by text: String) -> Bool { text.hasPrefix(prefix) }

  /// Makes a secret. Traps on a longer payload than `payloadBytesMax`.
  ///
  /// - Parameter random: Must be fit for secrets in production.
  package func seal(
    _ payload: [UInt8], expiresUnixSeconds: Int64, random: inout some RandomNumberGenerator
  ) -> String {
    precondition(payload.count <= Self.payloadBytesMax, "a payload too long for a client secret")
    let salt = Self.bytes(random.next()) + Self.bytes(random.next())
    let plain = Self.bytes(UInt64(bitPattern: expiresUnixSeconds)) + payload
    let sealed = Aes256Gcm.seal(plain, key: keys.tag(salt), nonce: Self.nonce)
    return Self.prefix + String(keys.minting) + Base64Url.text(salt + sealed)
  }

  /// Reads a secret that somebody sent.
  package func open(_ text: String, nowUnixSeconds now: Int64) -> ClientSecretVerdict {
    let characters = Array(text.utf8)
    guard text.hasPrefix(Self.prefix), characters.count <= Self.textBytesMax,
      characters.count > 4, let bytes = Base64Url.bytes(characters[4...]),
      bytes.count >= Self.saltBytes + 8 + Aes256Gcm.tagBytes
    else { return .malformed }
    let salt = Array(bytes[..<Self.saltBytes])
    let name = Character(UnicodeScalar(characters[3]))
    guard let key = keys.tag(salt, name: name) else { return .unknownKey }
    guard
      let plain = Aes256Gcm.open(
        Array(bytes[Self.saltBytes...]), key: key, nonce: Self.nonce)
    else { return .forged }
    let secret = ClientSecret(
      id: ClientSecret.ID(high: Self.number(salt[..<8]), low: Self.number(salt[8...])),
      expiresUnixSeconds: Int64(bitPattern: Self.number(plain[..<8])),
      payload: Array(plain[8...]))
    return now < secret.expiresUnixSeconds ? .valid(secret) : .expired
  }

  private static func bytes(_ number: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) }
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }
}
