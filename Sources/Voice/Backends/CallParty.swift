/// Who sends events beside the voice, and is sent them: the client's data channel, or another
/// connection to the same call.
package enum ClientID: Hashable, Sendable {
  case channel
  case sideband(UInt32)
}

/// One event for clients: a JSON text.
package struct EventMessage: Hashable, Sendable {
  /// UTF-8, one whole JSON object: made here, or exactly as the service sent it.
  package var bytes: [UInt8]

  /// Checks nothing: what is no JSON goes out all the same.
  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }
}

/// What the connection to a service tells, in the order in which it happened.
package enum ServiceNews: Hashable, Sendable {
  /// It is there, and takes messages.
  case opened
  /// A whole WebSocket message, or any piece of a stream (`isText` false there).
  case message([UInt8], isText: Bool)
  /// The service has ended it in good order; the text is for people.
  case closed(String)
  /// It could not be made, or broke; the text is for people.
  case failed(String)
}

/// Something for a service.
package struct ServiceMessage: Hashable, Sendable {
  /// A whole WebSocket message, or whole frames of a stream: without one the rest makes sense.
  package var bytes: [UInt8]
  /// A WebSocket message of text, so UTF-8; false for a binary one, and in a stream.
  package var isText: Bool
  /// Sound of this moment. Whoever sends may drop it, and count it, when the service does not keep
  /// up; anything else must arrive, or the connection has `failed`.
  package var isAudio: Bool

  /// Checks nothing. With `isAudio` it may be dropped, and the backend is not told.
  package init(_ bytes: [UInt8], isText: Bool, isAudio: Bool) {
    self.bytes = bytes
    self.isText = isText
    self.isAudio = isAudio
  }
}

/// Why the answering side ends a call; the texts are for people.
package enum PartyEnd: Hashable, Sendable {
  /// It has said all that it had to say.
  case finished(String)
  /// It is not there (any more), or is not to be borne.
  case failed(String)
}

/// What the answering side of a call wants done, in order.
package enum PartyAction: Hashable, Sendable {
  /// To every client that has joined.
  case toClients(EventMessage)
  /// To one client, if it is still there.
  case toClient(ClientID, EventMessage)
  /// Connect to the service. The news of it is `opened` or `failed`, once. A connection that is
  /// there already is closed first, and tells nothing more.
  case openService
  case toService(ServiceMessage)
  /// No news follows, whatever is still under way.
  case closeService
  /// End the call, after what went to the clients before has had its chance to arrive, and after
  /// what waits to be played when it has `finished`. A client that joins in that time can still be
  /// sent something; nothing else is asked for any more.
  case endCall(PartyEnd)
}

/// What the answering side has counted: for logs and figures.
package struct PartyFigures: Hashable, Sendable {
  /// Events of clients that were taken in.
  package var clientEvents: UInt64 = 0
  /// Events of clients that were answered with an error.
  package var clientEventsRefused: UInt64 = 0
  /// Messages of the service that made sense.
  package var serviceMessages: UInt64 = 0
  /// Messages of the service that did not.
  package var serviceGarbage: UInt64 = 0
  /// Times that a connection to the service was asked for.
  package var serviceAttempts: UInt64 = 0
  /// Voice that had no service to go to.
  package var unheardMilliseconds: UInt64 = 0
  /// Speech of the service that was not played: cut off as too much, or interrupted already.
  package var droppedMilliseconds: UInt64 = 0
  /// Answers that were cut off because more of them waited than may wait.
  package var runaways: UInt64 = 0
  /// Answers that the person or a client interrupted.
  package var interruptions: UInt64 = 0

  /// All 0: one for each call, whose counts only grow.
  package init() {}
}
