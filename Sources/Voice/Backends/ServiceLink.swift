package import Wire

/// When a backend connects to its service, tries again, and gives up. Numbers only.
///
/// Until the service has said its first word nothing can be lost with the connection, so another is
/// tried, three times, a little later each time. After that a new connection would be a new
/// conversation that knows nothing of the old one: the call ends instead, and the client decides.
package struct ServiceLink: Sendable {
  /// What the backend has to do now.
  package enum Step: Equatable, Sendable {
    case nothing
    /// Ask for a connection.
    case open
    /// Close the connection that does not come about; another attempt follows.
    case close
    /// Give up; the text says why.
    case giveUp(String)
  }

  /// What news of the connection mean to the backend.
  package enum Meaning {
    case step(Step)
    /// Messages can be sent, the first one now.
    case opened
    /// The service says this.
    case said([UInt8], isText: Bool)
    /// The service has ended the conversation in good order; the text is for people.
    case ended(String)
  }

  private enum State: Equatable {
    case idle
    case opening(until: Instant)
    case waiting(until: Instant)
    case open
    case lost
  }

  private var state = State.idle
  /// The service has said something, on any connection.
  package private(set) var hasSpoken = false
  /// Connections that were asked for.
  package private(set) var attempts: UInt64 = 0

  /// A connection that has told nothing for so long has failed.
  package static let openingMilliseconds: UInt64 = 10_000
  /// The first of the pauses before another attempt; each is twice as long as the one before.
  package static let pauseMilliseconds: UInt64 = 250
  /// The first one included. When the last has failed, the link is lost.
  package static let attemptsMax: UInt64 = 4

  /// No connection, and nothing due before `begin`.
  package init() {}

  /// Messages can be sent.
  package var isOpen: Bool { state == .open }
  /// There is no connection, and there will be none.
  package var isLost: Bool { state == .lost }

  /// Asks for the first connection: once. Afterwards, and after `close`, there is nothing to do.
  package mutating func begin(at now: Instant) -> Step {
    guard state == .idle else { return .nothing }
    return open(at: now)
  }

  /// Takes what the connection tells.
  package mutating func take(_ news: ServiceNews, at now: Instant) -> Meaning {
    switch news {
    case .opened:
      guard case .opening = state else { return .step(.nothing) }
      state = .open
      return .opened
    case .message(let bytes, let isText):
      return isOpen ? .said(bytes, isText: isText) : .step(.nothing)
    case .closed(let reason) where isOpen && hasSpoken:
      state = .lost
      return .ended(reason)
    case .closed(let reason), .failed(let reason): return .step(noteGone(reason, at: now))
    }
  }

  /// The service has said something.
  package mutating func noteMessage() { hasSpoken = true }

  /// The connection is gone, or could not be made.
  private mutating func noteGone(_ reason: String, at now: Instant) -> Step {
    guard state != .lost, state != .idle else { return .nothing }
    guard !hasSpoken, attempts < Self.attemptsMax else {
      state = .lost
      return .giveUp(reason)
    }
    state = .waiting(
      until: now.advanced(byMilliseconds: Self.pauseMilliseconds << (attempts - 1)))
    return .nothing
  }

  /// The backend wants no connection any more; true when there may be one.
  package mutating func close() -> Bool {
    defer { state = .lost }
    return switch state {
    case .opening, .open: true
    case .idle, .waiting, .lost: false
    }
  }

  /// When `handleTimeout` is to be called: at the end of a pause, or of the wait for an answer.
  /// `.never` when nothing is waited for.
  package var deadline: Instant {
    switch state {
    case .opening(let until), .waiting(let until): until
    case .idle, .open, .lost: .never
    }
  }

  /// Answers `open` when a pause is over, `close` when a connection takes too long, `giveUp` when
  /// that was the last attempt; `nothing` before `deadline`.
  package mutating func handleTimeout(at now: Instant) -> Step {
    switch state {
    case .opening(let until) where until <= now:
      noteGone("it does not answer", at: now) == .nothing ? .close : .giveUp("it does not answer")
    case .waiting(let until) where until <= now: open(at: now)
    case .idle, .opening, .waiting, .open, .lost: .nothing
    }
  }

  private mutating func open(at now: Instant) -> Step {
    attempts += 1
    state = .opening(until: now.advanced(byMilliseconds: Self.openingMilliseconds))
    return .open
  }
}
