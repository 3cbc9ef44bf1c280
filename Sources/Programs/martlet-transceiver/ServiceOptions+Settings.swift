import Backends
import Deployment
import ServiceClient
import Settings
import TransceiverRuntime

extension ServiceOptions {
  /// Why the settings do not go together: a sentence.
  struct Conflict: Error, CustomStringConvertible {
    let description: String
  }

  /// The service that the settings name; nil when they name none.
  static func read(
    _ settings: ParsedSettings, for backend: BackendKind
  ) throws(Conflict) -> ServiceOptions? {
    guard let url = settings[ServiceSettings.url] else {
      try refuseLoneParts(settings, backend)
      return nil
    }
    var options = ServiceOptions(
      try endpoint(url).asking(for: settings[ServiceSettings.model] ?? ""))
    guard !backend.needsService || options.endpoint.backend == backend else {
      let wanted = backend == .realtime ? "ws:// or wss://" : "tcp://"
      throw Conflict(
        description: "--backend \(backend.rawValue) needs a --backend-url of \(wanted)")
    }
    options.caFile = settings[ServiceSettings.caFile]
    guard options.caFile == nil || options.endpoint.scheme == .wss else {
      throw Conflict(description: "--backend-ca-file is for wss:// only")
    }
    guard let file = settings[ServiceSettings.keyFile] else { return options }
    guard options.endpoint.scheme != .tcp else {
      throw Conflict(description: "AudioSocket (tcp://) has no place for a key")
    }
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

  private static func refuseLoneParts(
    _ settings: ParsedSettings, _ backend: BackendKind
  ) throws(Conflict) {
    if backend.needsService {
      throw Conflict(description: "--backend \(backend.rawValue) needs --backend-url")
    }
    for part in [ServiceSettings.keyFile, ServiceSettings.caFile]
    where settings[part] != nil {
      throw Conflict(description: "--\(part.name) needs --backend-url")
    }
  }
}
