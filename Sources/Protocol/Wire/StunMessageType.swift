/// A STUN message type: class and method interleaved in 14 bits (RFC 8489, section 5).
package struct StunMessageType: Hashable, Sendable, BitwiseCopyable {
  /// The first two bytes of the message.
  package let rawValue: UInt16

  /// Takes any number; the upper two bits of a message that was parsed are zero.
  @_noLocks @inlinable
  package init(rawValue: UInt16) { self.rawValue = rawValue }

  /// A connectivity check (RFC 8445, section 7), which wants an answer.
  @inlinable package static var bindingRequest: Self { @_noLocks get { Self(rawValue: 0x0001) } }
  /// A keepalive, which nobody answers (RFC 8445, section 11).
  @inlinable package static var bindingIndication: Self { @_noLocks get { Self(rawValue: 0x0011) } }
  /// Says in XOR-MAPPED-ADDRESS where the request came from (RFC 8489, section 6.3.1).
  @inlinable package static var bindingSuccess: Self { @_noLocks get { Self(rawValue: 0x0101) } }
  /// Says in ERROR-CODE why not (RFC 8489, section 6.3.1).
  @inlinable package static var bindingError: Self { @_noLocks get { Self(rawValue: 0x0111) } }

  /// Class 00, whatever the method (RFC 8489, section 5).
  @inlinable package var isRequest: Bool { @_noLocks get { rawValue & 0x0110 == 0x0000 } }
  /// Class 01, whatever the method: gets no answer.
  @inlinable package var isIndication: Bool { @_noLocks get { rawValue & 0x0110 == 0x0010 } }
  /// Class 10, whatever the method.
  @inlinable package var isSuccess: Bool { @_noLocks get { rawValue & 0x0110 == 0x0100 } }
  /// Class 11, whatever the method.
  @inlinable package var isError: Bool { @_noLocks get { rawValue & 0x0110 == 0x0110 } }
}

/// The 96 bits that tie a STUN response to its request (RFC 8489, section 5).
package struct StunTransactionID: Hashable, Sendable, BitwiseCopyable {
  /// The first four bytes, as a number (network order).
  package let high: UInt32
  /// The last eight bytes, as a number (network order).
  package let low: UInt64

  /// Bytes 8 to 11 and 12 to 19 of the header, as numbers (network order).
  @_noLocks @inlinable
  package init(high: UInt32, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// A fresh ID; who answers must not be able to guess it, so `random` is a secure one in service.
  @inlinable
  package init(random: inout some RandomNumberGenerator) {
    self.init(high: UInt32(truncatingIfNeeded: random.next()), low: random.next())
  }
}
