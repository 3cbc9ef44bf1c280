internal import Crypto
package import Wire

/// What we ask of the client by Binding requests of our own: whether it is at an address, and
/// whether it is there still.
extension IceLiteAgent {
  mutating func handleSuccess(
    _ bytes: RawSpan, _ message: StunMessage, from path: PathID, at now: Instant
  ) -> IceVerdict {
    guard let index = index(of: path), message.unknownRequired == nil,
      paths[index].proof?.transactionID == message.transactionID
        || consent.isAwaited(message.transactionID, from: path)
    else { return ignore(.unexpected) }
    guard StunIntegrity.verify(bytes, message, key: remote.key) else {
      return ignore(.wrongIntegrity)
    }
    paths[index].isProven = true
    paths[index].proof = nil
    consent.noteAnswer(message.transactionID)
    // Nobody had it before we asked, so it is no copy.
    lastLife = now
    if paths[index].lastAuthenticated != nil { _ = moveIfChosen(index, at: now) }
    followProof(to: index)
    return .proofAnswered
  }

  /// Before the keys a copy of the client's nominating check, sent from elsewhere, may have come
  /// first and drawn the handshake there; but it cannot answer a request of ours.
  private mutating func followProof(to index: Int) {
    guard let current = selectedIndex, !paths[current].isProven,
      paths[current].lastAuthenticated == nil,
      paths[index].lastNomination != nil || paths[current].lastNomination == nil
    else { return }
    selectedIndex = index
  }

  /// Writes the next request that is due into `buffer` (`StunWriter.bytesMax` bytes or more): its
  /// length and path. Nil when none is due, or the path may not be sent so much: then it counts as
  /// sent, so that the owner is not asked again at once.
  package mutating func poll(
    at now: Instant, into buffer: UnsafeMutableRawBufferPointer,
    random: inout some RandomNumberGenerator
  ) -> (length: Int, path: PathID)? {
    precondition(buffer.count >= StunWriter.bytesMax, "a buffer that a request may not fit into")
    for index in paths.indices {
      guard var proof = paths[index].proof, !paths[index].isProven, !proof.isSpent,
        proof.due <= now
      else { continue }
      let transactionID = StunTransactionID(random: &random)
      proof.noteSent(transactionID, at: now)
      paths[index].proof = proof
      let length = unsafe writeRequest(transactionID, into: buffer, tieBreaker: random.next())
      if admitSending(length, on: index) { return (length, paths[index].id) }
    }
    guard let index = selectedIndex, consent.due <= now else { return nil }
    let transactionID = StunTransactionID(random: &random)
    consent.noteSent(transactionID, to: paths[index].id, at: now)
    let length = unsafe writeRequest(transactionID, into: buffer, tieBreaker: random.next())
    return admitSending(length, on: index) ? (length, paths[index].id) : nil
  }

  private func writeRequest(
    _ transactionID: StunTransactionID, into buffer: UnsafeMutableRawBufferPointer,
    tieBreaker: UInt64
  ) -> Int {
    var writer = unsafe StunWriter(
      into: buffer, type: .bindingRequest, transactionID: transactionID)
    unsafe writer.append(usernameOf: remote.ufrag.span.bytes, from: local.ufrag.span.bytes)
    writer.append(priority: 0x7E00_00FF)  // a host candidate, component 1 (RFC 8445, 5.1.2.1)
    writer.append(controlledTieBreaker: tieBreaker)
    return writer.seal(with: remote.key)
  }
}
