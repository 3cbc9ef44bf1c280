internal import Wire

/// The 23 characters of a sealed block: one configuration character, which names the key, and 22 of
/// base64 without padding. Kept inline: 24 bytes, trivially copyable, a quick key of a dictionary.
package struct SealedText: Hashable, Sendable, BitwiseCopyable {
  /// Characters in the text.
  @inlinable package static var bytes: Int { @_noLocks get { 23 } }

  // Characters 0 to 7, 8 to 15, and 16 to 22 with a zero byte behind them, in network order.
  @usableFromInline let first: UInt64
  @usableFromInline let middle: UInt64
  @usableFromInline let last: UInt64

  @_noLocks
  init(first: UInt64, middle: UInt64, last: UInt64) {
    self.first = first
    self.middle = middle
    self.last = last
  }

  /// Copies `length` characters at `offset`; nil unless they are 23 and lie within `bytes`. Says
  /// nothing about what they are. Allocates nothing.
  @_noLocks
  package init?(_ bytes: borrowing RawSpan, at offset: Int, length: Int) {
    let available = bytes.byteCount
    guard length == Self.bytes, offset >= 0, offset <= available - length else { return nil }
    first = bytes.u64(at: offset)
    middle = bytes.u64(at: offset + 8)
    // The last eight bytes overlap the seven that count by one.
    last = bytes.u64(at: offset + 15) << 8
  }

  /// Copies a text; nil unless it has 23 bytes.
  package init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8)
    unsafe self.init(bytes.span.bytes, at: 0, length: bytes.count)
  }

  /// The character at `index`, 0 to 22.
  @_noLocks @inlinable
  package func character(at index: Int) -> UInt8 {
    precondition(index >= 0 && index < Self.bytes)
    let word = index < 8 ? first : index < 16 ? middle : last
    return UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * (index & 7)))
  }

  /// The text. Allocates.
  package var text: String {
    String(decoding: (0..<Self.bytes).map { character(at: $0) }, as: UTF8.self)
  }
}

/// A server ufrag: a sealed block under the token keys. Who holds the session is inside.
package struct RoutingToken: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The 23 characters. One that came from a client may be sealed by nobody: `TokenOpener` tells.
  package let sealed: SealedText

  @_noLocks init(sealed: SealedText) { self.sealed = sealed }

  /// What a client sent as our ufrag; nil unless it has 23 characters. Not checked further: as a
  /// key of the session table it is found or not.
  @_noLocks
  package init?(_ bytes: borrowing RawSpan, at offset: Int, length: Int) {
    guard let sealed = SealedText(bytes, at: offset, length: length) else { return nil }
    self.sealed = sealed
  }

  /// nil unless the text has 23 bytes, whatever they are. Allocates.
  package init?(_ text: some StringProtocol) {
    guard let sealed = SealedText(text) else { return nil }
    self.sealed = sealed
  }

  /// The 23 characters, as SDP carries them. Allocates.
  package var text: String { sealed.text }
  package var description: String { text }
}

/// A call's public name, `rtc_` and a sealed block under the call ID keys, so that any node can
/// tell the owner of a call, or that there was never such a call, without a look-up.
package struct CallID: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The 23 characters behind `rtc_`, sealed by nobody perhaps: `CallIDOpener` tells.
  package let sealed: SealedText

  @_noLocks init(sealed: SealedText) { self.sealed = sealed }

  /// nil unless the text is `rtc_` and 23 characters.
  package init?(_ text: some StringProtocol) {
    guard text.hasPrefix("rtc_"), let sealed = SealedText(text.dropFirst(4)) else { return nil }
    self.sealed = sealed
  }

  /// The 27 characters, as `Location` carries them. Allocates.
  package var text: String { "rtc_" + sealed.text }
  package var description: String { text }
}
