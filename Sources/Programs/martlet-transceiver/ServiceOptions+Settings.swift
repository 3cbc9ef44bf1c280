import Deployment
import ServiceClient
import Settings
import TransceiverRuntime

extension ServiceOptions {
  /// Why the settings cannot be used: a sentence.
  struct Conflict: Error, CustomStringConvertible {
    let description: String
  }

  /// The service that the settings name; nil when they name none. They go together
  /// (`ServiceSettings.conflict`).
  static func read(_ settings: ParsedSettings) throws(Conflict) -> ServiceOptions? {
    guard let url = settings[ServiceSettings.url] else { return nil }
    var options = ServiceOptions(
      try endpoint(url).asking(for: settings[ServiceSettings.model] ?? ""))
    options.caFile = settings[ServiceSettings.caFile]
    if let file = options.caFile {
      do { try FileContents.refuseWrongKind(file) } catch {
        throw Conflict(description: error.description)
      }
    }
    guard let file = settings[ServiceSettings.keyFile] else { return options }
    do {
      options.key = ServiceKey(try ServiceSettings.key(file: file))
    } catch {
      throw Conflict(description: error.description)
    }
    return options
  }

  private static func endpoint(_ url: String) throws(Conflict) -> ServiceEndpoint {
    do {
      return try ServiceEndpoint(url)
    } catch {
      throw Conflict(description: "--backend-url: \(error)")
    }
  }
}
