import Wire

func parse(_ bytes: [UInt8]) -> StunParse { unsafe StunMessage.parse(bytes.span.bytes) }

/// The message that `bytes` must be.
func stunMessage(_ bytes: [UInt8]) -> StunMessage? {
  guard case .message(let message) = parse(bytes) else { return nil }
  return message
}

/// What `write` puts into a message of the given type.
func stun(
  _ type: StunMessageType = .bindingRequest,
  id: StunTransactionID = StunTransactionID(high: 0xB7E7_A701, low: 0xBC34_D686_FA87_DFAE),
  _ write: (inout StunWriter) -> Void
) -> [UInt8] {
  var buffer = [UInt8](repeating: 0xEE, count: StunWriter.bytesMax)
  return unsafe buffer.withUnsafeMutableBytes { buffer in
    var writer = unsafe StunWriter(into: buffer, type: type, transactionID: id)
    write(&writer)
    return unsafe Array(writer.written)
  }
}

extension StunWriter {
  mutating func append(_ type: UInt16, _ value: [UInt8]) {
    unsafe append(attribute: type, value.span.bytes)
  }

  mutating func append(username: String) {
    append(StunAttribute.username, Array(username.utf8))
  }
}
