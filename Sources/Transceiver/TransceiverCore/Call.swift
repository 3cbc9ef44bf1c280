import Session
import Token
import Wire

/// Everything that a shard knows of one call.
final class Call {
  let session: CallSession
  let callID: CallID
  /// Our ufrag, which the client's checks begin with.
  let ufrag: RoutingToken
  /// Where the client has been heard.
  var paths: [PathID] = []
  /// What is told of the call.
  var figures: CallFigures
  /// The connection to its service; nil when there is none, or it was given up.
  var service: ServiceID?
  /// Connections beside the call that take part in it, oldest first.
  var clients: [UInt32] = []

  init(_ session: CallSession, callID: CallID, ufrag: RoutingToken, figures: CallFigures) {
    self.session = session
    self.callID = callID
    self.ufrag = ufrag
    self.figures = figures
  }
}
