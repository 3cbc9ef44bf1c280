package import Json

extension JsonValue {
  /// Reads the JSON text of a file; `file` names it in the error.
  package static func parse(_ bytes: [UInt8], file: String) throws(SettingsError) -> JsonValue {
    do throws(JsonDefect) {
      return try parse(bytes)
    } catch {
      throw .malformed(file: file, reason: error.description)
    }
  }
}
