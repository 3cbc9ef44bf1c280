import CDtls
import Testing

/// Why a connection cannot be made is said, not only that it cannot.
@Suite("DTLS that cannot be set up") struct SetupErrorTests {
  /// The reason that `dtls_connection_create` gives; nil when it makes a connection.
  private func reason(_ change: (inout dtls_options) -> Void) throws -> String? {
    var text = [CChar](repeating: 1, count: Int(DTLS_ERROR_TEXT_BYTES))
    let made = unsafe dtls_identity_create(&text)
    let identity = unsafe try #require(made)
    defer { unsafe dtls_identity_free(identity) }
    var options = dtls_options()
    options.mtu = 1200
    change(&options)
    let connection = unsafe dtls_connection_create(identity, &options, &text)
    defer { unsafe dtls_connection_free(connection) }
    let words = String(
      decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    #expect(unsafe (connection == nil) == !words.isEmpty)
    return words.isEmpty ? nil : words
  }

  @Test func theReasonIsGiven() throws {
    #expect(try reason { _ in } == nil)
    let outOfRange = "cannot create a DTLS connection: an option is out of its range"
    #expect(try reason { $0.mtu = 227 } == outOfRange)
    #expect(try reason { $0.mtu = 2049 } == outOfRange)
    #expect(try reason { $0.fingerprint_count = 9 } == outOfRange)
  }
}
