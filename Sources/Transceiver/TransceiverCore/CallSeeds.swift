/// What one call's randomness comes from: two secrets, apart from each other, because the session
/// shows some of its numbers to the client and the handshake makes keys of its own.
package struct CallSeeds: Sendable {
  /// Bytes of `handshake` and of `session`.
  package static let byteCount = 32
  /// Bytes of `identity`.
  package static let identityByteCount = 16

  let handshake: [UInt8]
  let session: [UInt8]
  /// No secret: the IDs of the call's events come from it.
  let identity: [UInt8]

  /// - Parameters: 32 bytes for the handshake, 32 for the session, 16 for the identity, fresh
  ///   and random; nobody else may know the first two.
  package init(handshake: [UInt8], session: [UInt8], identity: [UInt8]) {
    precondition(handshake.count == Self.byteCount && session.count == Self.byteCount)
    precondition(identity.count == Self.identityByteCount)
    self.handshake = handshake
    self.session = session
    self.identity = identity
  }
}
