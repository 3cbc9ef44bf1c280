/// Where a request's path leads, before its method is looked at.
enum Route: Equatable {
  /// `/v1/realtime/calls`
  case calls
  /// `/v1/realtime/calls/{id}/hangup`
  case hangUp(String)
  /// `/whip`
  case whip
  /// `/whip/{id}`
  case whipCall(String)
  /// `/v1/martlet/calls/{id}`
  case figures(String)
  /// `/healthz`
  case health
  /// A file of the page; `/` is one.
  case page(String)

  init(path: String) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
      .map(String.init)
    switch parts {
    case ["v1", "realtime", "calls"]: self = .calls
    case ["whip"]: self = .whip
    case ["healthz"]: self = .health
    case let parts where parts.count == 5 && parts.starts(with: ["v1", "realtime", "calls"]):
      self = parts[4] == "hangup" ? .hangUp(parts[3]) : .page(path)
    case let parts where parts.count == 4 && parts.starts(with: ["v1", "martlet", "calls"]):
      self = .figures(parts[3])
    case let parts where parts.count == 2 && parts[0] == "whip": self = .whipCall(parts[1])
    default: self = .page(path)
    }
  }

  /// The methods the route knows besides OPTIONS, as `Allow` lists them (RFC 9110, 10.2.1).
  var methods: [String] {
    switch self {
    case .calls, .hangUp, .whip: ["POST"]
    case .whipCall: ["DELETE"]
    case .figures, .health, .page: ["GET", "HEAD"]
    }
  }
}
