import CDtls
import CProbe
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
    let words = Self.words(text)
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

  private static func words(_ text: [CChar]) -> String {
    String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// With one more allocation that succeeds each time, until all do: a connection or a sentence;
  /// and a handshake that cannot begin anew is dead, whatever it is asked.
  @Test func shortMemoryIsSaidAndSurvived() throws {
    var text = [CChar](repeating: 1, count: Int(DTLS_ERROR_TEXT_BYTES))
    let made = unsafe dtls_identity_create(&text)
    let identity = unsafe try #require(made)
    defer { unsafe dtls_identity_free(identity) }
    var options = dtls_options()
    options.active = true
    options.mtu = 1200
    let first = unsafe dtls_connection_create(identity, &options, &text)
    let connection = unsafe try #require(first)
    defer { unsafe dtls_connection_free(connection) }
    // What OpenSSL makes once is made now.
    #expect(unsafe dtls_connection_drive(connection) == DTLS_PROGRESS_PENDING)

    var (failures, reasons): (Int64, Set<String>) = (0, [])
    while !succeeds(after: failures, { unsafe dtls_connection_restart(connection) }) {
      #expect(unsafe dtls_connection_expects(connection) == DTLS_EXPECTS_NOTHING)
      #expect(unsafe dtls_connection_drive(connection) == DTLS_PROGRESS_FATAL)
      #expect(unsafe dtls_connection_fire_timer(connection) == DTLS_PROGRESS_FATAL)
      #expect(unsafe !dtls_connection_timer_is_armed(connection))
      failures += 1
      try #require(failures < 1_000)
    }
    // Where a sanitizer has malloc to itself, nothing fails.
    guard probe_fail_mallocs_after(-1) else { return }
    #expect(failures > 0)
    #expect(unsafe dtls_connection_drive(connection) == DTLS_PROGRESS_PENDING)

    failures = 0
    var second: OpaquePointer?
    while unsafe second == nil {
      _ = succeeds(after: failures) {
        unsafe second = dtls_connection_create(identity, &options, &text)
        return unsafe second != nil
      }
      reasons.insert(Self.words(text))
      failures += 1
      try #require(failures < 1_000)
    }
    unsafe dtls_connection_free(second)
    #expect(reasons.remove("") != nil, "the last one was made")
    #expect(reasons.contains("cannot create a DTLS connection: no memory"))
    // The others are OpenSSL's words, which differ between its releases.
    #expect(reasons.count > 1)
    #expect(reasons.allSatisfy { $0.hasPrefix("cannot create a DTLS connection: ") })
  }

  private func succeeds(after allocations: Int64, _ body: () -> Bool) -> Bool {
    _ = probe_fail_mallocs_after(allocations)
    defer { _ = probe_fail_mallocs_after(-1) }
    return body()
  }
}
