/// The keys of one purpose, each named by a configuration character, and which of them mints.
///
/// Rotation: give every relay the new key, then let the transceivers mint with it, then take the
/// old one away when the longest session has ended. A secret: it describes itself without its keys.
package struct SealingKeys: Sendable, Equatable {
  /// 16-byte AES keys by configuration character, a letter or a digit.
  package let keys: [Character: [UInt8]]
  /// The key that new tokens are sealed with.
  package let minting: Character

  /// - Throws: `RoutingKeysError` that names the first thing wrong.
  package init(
    keys: [Character: [UInt8]], minting: Character
  ) throws(RoutingKeysError) {
    for (name, key) in keys {
      guard Self.index(of: name) != nil else { throw .badName(name) }
      guard key.count == 16 else {
        throw .badLength(key: "key \(name)", bytes: key.count, expected: 16)
      }
    }
    guard keys[minting] != nil else { throw .unknownMinting(minting) }
    self.keys = keys
    self.minting = minting
  }

  /// How many configuration characters there are.
  static var namesCount: Int { @_noLocks get { 62 } }

  /// The place of a configuration character, 0 to 61; nil for any other character.
  static func index(of name: Character) -> Int? {
    guard let character = name.asciiValue else { return nil }
    let value = Base64.value(of: character)
    return value < namesCount ? Int(value) : nil
  }
}

extension SealingKeys: CustomStringConvertible, CustomReflectable {
  package var description: String {
    "SealingKeys(\(keys.keys.sorted().map(String.init).joined()), minting \(minting))"
  }
  package var customMirror: Mirror { Mirror(self, children: ["keys": description]) }
}

/// Everything that relays and transceivers must agree on. A plain value; a secret.
package struct RoutingKeys: Sendable, Equatable {
  /// What ufrags are sealed with.
  package let tokens: SealingKeys
  /// What call IDs are sealed with.
  package let callIDs: SealingKeys
  /// What ICE passwords are derived with: 32 bytes.
  package let password: [UInt8]
  /// What trunk datagrams are signed with: 16 bytes.
  package let trunk: [UInt8]

  /// - Throws: `RoutingKeysError` that names the first thing wrong, also when one key would serve
  ///   two purposes.
  package init(
    tokens: SealingKeys, callIDs: SealingKeys, password: [UInt8], trunk: [UInt8]
  ) throws(RoutingKeysError) {
    guard password.count == 32 else {
      throw .badLength(key: "the password key", bytes: password.count, expected: 32)
    }
    guard trunk.count == 16 else {
      throw .badLength(key: "the trunk key", bytes: trunk.count, expected: 16)
    }
    guard Set(tokens.keys.values).isDisjoint(with: callIDs.keys.values) else { throw .shared }
    self.tokens = tokens
    self.callIDs = callIDs
    self.password = password
    self.trunk = trunk
  }

  /// Fresh keys under the name `minting`; `random` is a secure generator in service.
  package static func generate(
    random: inout some RandomNumberGenerator, minting: Character = "1"
  ) -> RoutingKeys {
    func bytes(_ count: Int) -> [UInt8] {
      (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    }
    do {
      return try RoutingKeys(
        tokens: SealingKeys(keys: [minting: bytes(16)], minting: minting),
        callIDs: SealingKeys(keys: [minting: bytes(16)], minting: minting),
        password: bytes(32), trunk: bytes(16))
    } catch {
      preconditionFailure("cannot name a key \(minting): \(error)")
    }
  }
}

extension RoutingKeys: CustomStringConvertible, CustomReflectable {
  package var description: String { "RoutingKeys(tokens: \(tokens), callIDs: \(callIDs))" }
  package var customMirror: Mirror { Mirror(self, children: ["keys": description]) }
}

/// What is wrong with a set of keys. Its text never holds a key.
package enum RoutingKeysError: Error, Equatable, CustomStringConvertible {
  /// A key's name is not one letter or digit.
  case badName(Character)
  case badLength(key: String, bytes: Int, expected: Int)
  /// The minting character names no key.
  case unknownMinting(Character)
  /// A token key is also a call ID key.
  case shared
  /// A key's text is not hexadecimal.
  case notHexadecimal

  package var description: String {
    switch self {
    case .badName(let name): "a key is named by one letter or digit, not \"\(name)\""
    case .badLength(let key, let bytes, let expected):
      "\(key) has \(bytes) bytes; it must have \(expected)"
    case .unknownMinting(let name): "there is no key \"\(name)\" to mint with"
    case .shared: "one key serves both tokens and call IDs; each needs its own"
    case .notHexadecimal: "a key is written in pairs of hexadecimal digits"
    }
  }
}
