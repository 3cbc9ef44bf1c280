internal import CDtls

/// What could not be made, and what OpenSSL says to it, in one sentence.
package struct DtlsSetupError: Error, Equatable, Sendable, CustomStringConvertible {
  /// For a person: a log line, or the reason of a refused call.
  package let description: String

  /// For makers of endpoints other than OpenSSL's, which fail for reasons of their own.
  package init(description: String) { self.description = description }

  /// What `create` makes; or, when that is nothing, the sentence it has written.
  static func orObject(
    _ create: (_ reason: UnsafeMutablePointer<CChar>) -> OpaquePointer?
  ) throws(DtlsSetupError) -> OpaquePointer {
    var text: [CChar] = Array(repeating: 0, count: Int(DTLS_ERROR_TEXT_BYTES))
    let created = unsafe text.withUnsafeMutableBufferPointer { unsafe create($0.baseAddress!) }
    if let created = unsafe created { return unsafe created }
    let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    throw DtlsSetupError(description: String(decoding: bytes, as: UTF8.self))
  }
}
