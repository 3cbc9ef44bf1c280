/// Where a request's path leads, before its method is looked at.
enum Route: Equatable {
  /// `/v1/realtime`: a WebSocket beside a call
  case sideband
  /// `/v1/realtime/client_secrets`
  case secrets
  /// `/v1/realtime/calls`
  case calls
  /// `/v1/realtime/calls/{id}`
  case call(String)
  /// `/v1/realtime/calls/{id}/hangup`
  case hangUp(String)
  /// `/whip`
  case whip
  /// `/whip/{id}`
  case whipCall(String)
  /// `/v1/realtime/calls/{id}/stats`, and `/v1/martlet/calls/{id}`
  case figures(String)
  /// `/v1/martlet/backends`
  case backends
  /// `/healthz`
  case health
  /// A file of the page; `/` is one.
  case page(String)

  /// A slash at the end changes nothing, but for files of the page.
  init(path: String) {
    var parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
      .map(String.init)
    if parts.count > 1, parts.last == "" { parts.removeLast() }
    switch parts {
    case ["v1", "realtime"]: self = .sideband
    case ["v1", "realtime", "client_secrets"]: self = .secrets
    case ["v1", "realtime", "calls"]: self = .calls
    case ["whip"]: self = .whip
    case ["healthz"]: self = .health
    case ["v1", "martlet", "backends"]: self = .backends
    case let parts where parts.starts(with: ["v1", "realtime", "calls"]):
      switch parts[3...] {
      case [parts[3]] where !parts[3].isEmpty: self = .call(parts[3])
      case [parts[3], "hangup"]: self = .hangUp(parts[3])
      case [parts[3], "stats"]: self = .figures(parts[3])
      default: self = .page(path)
      }
    case let parts where parts.count == 4 && parts.starts(with: ["v1", "martlet", "calls"]):
      self = .figures(parts[3])
    case let parts where parts.count == 2 && parts[0] == "whip": self = .whipCall(parts[1])
    default: self = .page(path)
    }
  }

  /// The methods the route knows besides OPTIONS, as `Allow` lists them (RFC 9110, 10.2.1).
  var methods: [String] {
    switch self {
    case .secrets, .calls, .hangUp, .whip: ["POST"]
    case .call: ["PATCH"]
    case .whipCall: ["PATCH", "DELETE"]
    case .sideband: ["GET"]
    case .figures, .backends, .health, .page: ["GET", "HEAD"]
    }
  }

  /// What a POST may bring, as `Accept-Post` lists it; nil when there is none.
  var acceptedPost: String? {
    switch self {
    case .whip: "application/sdp"
    case .calls: "application/sdp, multipart/form-data"
    case .secrets: "application/json"
    default: nil
    }
  }

  /// Likewise for PATCH (RFC 5789, section 3.1).
  var acceptedPatch: String? {
    switch self {
    case .call, .whipCall: Signalling.fragmentType
    default: nil
    }
  }
}
