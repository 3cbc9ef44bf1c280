package import Backends
package import Session
package import Signalling
package import Token

/// What a shard wants done outside of it, in the order in which it came about. Small, because each
/// frame of voice to a service is one: what is large and rare is `indirect`.
package enum ShardEffect: Sendable {
  /// Connect to the service for this call. What comes of it returns as `ShardCommand.service`.
  case openService(ServiceID, CallID)
  case toService(ServiceID, ServiceMessage)
  /// No command follows that the shard would heed.
  case closeService(ServiceID, CallID)
  /// An event for a connection beside a call.
  case toClient(UInt32, EventMessage)
  /// End that connection, after what waits to be sent; `code` is of RFC 6455, section 7.4.1.
  case closeClient(UInt32, code: UInt16, reason: String)
  /// Something worth a log line.
  indirect case event(CallID, CallEvent)
  /// What is told of a living call, once a second.
  indirect case figures(CallID, CallFigures)
  /// The call is not there any more; nothing of it follows. Also of one that could not begin.
  case callEnded(CallReference)
  /// How many calls the shard may have from now on; 0: no new one while it has any.
  case callsMax(Int)
  /// It does not keep up with its calls, or does again; `calls` is how many it has.
  indirect case load(Admission.News, ShardSecond, calls: Int, refuses: Bool)
  /// Of the calls that speak, how many miss a tenth of their packets or more.
  case lossyCalls(Int, speaking: Int)
}

/// What happens to a call, for logs and whoever else tells of calls.
package enum CallEvent: Sendable {
  case begun(backend: String)
  /// It was answered and could not begin; the text says why.
  case notBegun(String)
  /// What its session notes, but its end.
  case session(SessionEvent)
  case ended(SessionEnd, afterMilliseconds: UInt64, SessionFigures)
  case serviceOpened
  /// The service has ended the connection in good order; the text is the service's.
  case serviceClosed(String)
  /// The connection could not be made, or broke; the text says why.
  case serviceFailed(String)
}
