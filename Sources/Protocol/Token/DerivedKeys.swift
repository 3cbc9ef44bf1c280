import Crypto

/// Keys for one further purpose, made from the call ID keys of a deployment (RFC 5869's idea: HMAC
/// under the old key of the purpose's name). Key files need not hold them, and they rotate with the
/// keys that they come from: what was made under a name is checked under that name. A secret.
package struct DerivedKeys: Sendable {
  private let keys: [Character: HmacSha256]
  /// The name of the key that new things are made with.
  package let minting: Character

  /// `purpose` is a constant of ours that no other use has.
  package init(_ keys: RoutingKeys, purpose: String) {
    minting = keys.callIDs.minting
    self.keys = keys.callIDs.keys.mapValues { key in
      HmacSha256(key: HmacSha256(key: key).bytes(of: Array(purpose.utf8)))
    }
  }

  /// The tag of `message` under the key of that name: 32 bytes; nil when there is no such key.
  package func tag(_ message: [UInt8], name: Character) -> [UInt8]? {
    keys[name]?.bytes(of: message)
  }

  /// The tag of `message` under the key that new things are made with: 32 bytes.
  package func tag(_ message: [UInt8]) -> [UInt8] {
    guard let tag = tag(message, name: minting) else {
      preconditionFailure("the minting key is one of the keys")
    }
    return tag
  }
}

extension HmacSha256 {
  /// The tag of `message` as an array. Allocates.
  fileprivate func bytes(of message: [UInt8]) -> [UInt8] {
    let tag = unsafe message.withUnsafeBytes { unsafe self.tag($0) }
    return tag.indices.map { tag[$0] }
  }
}
