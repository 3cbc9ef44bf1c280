import Json
package import Settings
package import Token

/// The file that holds the keys of a deployment, the same for all its relays and transceivers:
///
///     {
///       "tokens": {"minting": "1", "keys": {"1": "<32 hexadecimal digits>"}},
///       "call-ids": {"minting": "1", "keys": {"1": "<32 hexadecimal digits>"}},
///       "password": "<64 hexadecimal digits>",
///       "trunk": "<32 hexadecimal digits>"
///     }
///
/// Only its owner may be able to read it.
package enum KeyFile {
  /// Reads and checks a key file. No error text holds a key.
  package static func load(_ path: String) throws(SettingsError) -> RoutingKeys {
    try parse(FileContents.read(path, secret: true), file: path)
  }

  /// Checks the text of a key file; `file` is its name for error texts.
  package static func parse(_ bytes: [UInt8], file: String) throws(SettingsError) -> RoutingKeys {
    let root = try JsonValue.parse(bytes, file: file)
    try refuseUnknown(root, ["tokens", "call-ids", "password", "trunk"], in: file)
    let tokens = try sealingKeys(root, "tokens", file: file)
    let callIDs = try sealingKeys(root, "call-ids", file: file)
    let password = try key(root, "password", file: file)
    let trunk = try key(root, "trunk", file: file)
    do {
      return try RoutingKeys(tokens: tokens, callIDs: callIDs, password: password, trunk: trunk)
    } catch {
      throw .malformed(file: file, reason: error.description)
    }
  }

  /// The text of a key file for `keys`. A secret.
  package static func text(_ keys: RoutingKeys) -> String {
    """
    {
      "tokens": \(text(keys.tokens)),
      "call-ids": \(text(keys.callIDs)),
      "password": "\(KeyText.text(keys.password))",
      "trunk": "\(KeyText.text(keys.trunk))"
    }

    """
  }

  private static func text(_ keys: SealingKeys) -> String {
    let lines = keys.keys.sorted { $0.key < $1.key }.map { name, key in
      "\"\(name)\": \"\(KeyText.text(key))\""
    }
    return "{\"minting\": \"\(keys.minting)\", \"keys\": {\(lines.joined(separator: ", "))}}"
  }

  private static func sealingKeys(
    _ root: JsonValue, _ name: String, file: String
  ) throws(SettingsError) -> SealingKeys {
    guard let part = root[name] else { throw missing(name, file) }
    try refuseUnknown(part, ["minting", "keys"], in: "\(file): \"\(name)\"")
    guard let minting = part["minting"]?.text, minting.count == 1,
      case .object(let members)? = part["keys"]
    else {
      throw .malformed(
        file: file, reason: "\"\(name)\" needs \"minting\" (one character) and \"keys\"")
    }
    var keys: [Character: [UInt8]] = [:]
    for member in members {
      guard member.key.count == 1, let text = member.value.text else {
        throw .malformed(
          file: file, reason: "\"\(name)\": \"keys\" must give a text for each one-character name")
      }
      keys[Character(member.key)] = try bytes(text, name, file)
    }
    do {
      return try SealingKeys(keys: keys, minting: Character(minting))
    } catch {
      throw .malformed(file: file, reason: "\"\(name)\": \(error.description)")
    }
  }

  private static func key(
    _ root: JsonValue, _ name: String, file: String
  ) throws(SettingsError) -> [UInt8] {
    guard let text = root[name]?.text else { throw missing(name, file) }
    return try bytes(text, name, file)
  }

  private static func bytes(
    _ text: String, _ name: String, _ file: String
  ) throws(SettingsError) -> [UInt8] {
    do {
      return try KeyText.bytes(text)
    } catch {
      throw .malformed(file: file, reason: "\"\(name)\": \(error.description)")
    }
  }

  private static func missing(_ name: String, _ file: String) -> SettingsError {
    .malformed(file: file, reason: "\"\(name)\" is missing")
  }

  private static func refuseUnknown(
    _ value: JsonValue, _ known: [String], in origin: String
  ) throws(SettingsError) {
    guard case .object(let members) = value else {
      throw .malformed(file: origin, reason: "not a JSON object")
    }
    for member in members where !known.contains(member.key) {
      throw .unknown(origin: origin, name: member.key, nearest: nil)
    }
  }
}
