extension StunMessage {
  /// The part of USERNAME before its first colon: in a request, the ufrag of who receives it
  /// (RFC 8445, section 7.2.2). The relay routes by it. nil without USERNAME or colon.
  @_noLocks
  package func localUfrag(in bytes: RawSpan) -> ByteRange? {
    guard let username, let colon = colon(in: bytes) else { return nil }
    return ByteRange(offset: username.offset, count: colon - username.offset)
  }

  /// The part of USERNAME behind its first colon: in a request, the ufrag of who sent it.
  @_noLocks
  package func remoteUfrag(in bytes: RawSpan) -> ByteRange? {
    guard let username, let colon = colon(in: bytes) else { return nil }
    return ByteRange(offset: colon + 1, count: username.end - colon - 1)
  }

  @_noLocks
  private func colon(in bytes: RawSpan) -> Int? {
    guard let username else { return nil }
    var offset = username.offset
    while offset < username.end {
      if bytes.u8(at: offset) == UInt8(ascii: ":") { return offset }
      offset += 1
    }
    return nil
  }
}
