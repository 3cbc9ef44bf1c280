import Wire

/// When a flight that waits for its answer is sent again (RFC 6347, section 4.2.4.1): after
/// `firstTimeoutMilliseconds`, and each further time after twice as long, up to a second.
///
/// OpenSSL knows whether a flight waits and what it says; when is decided here, because the
/// caller's clock may be a simulated one.
struct FlightTimer {
  private static let timeoutMillisecondsMax: UInt64 = 1000

  private let firstTimeoutMilliseconds: UInt64
  private var timeoutMilliseconds: UInt64 = 0
  /// How many flights OpenSSL had sent when it was last asked. It wraps, as OpenSSL's count does.
  private var flightsSeen: UInt32 = 0

  /// When the flight is sent again; `.never` while none waits.
  private(set) var deadline = Instant.never

  init(firstTimeoutMilliseconds: UInt64) {
    self.firstTimeoutMilliseconds = firstTimeoutMilliseconds
  }

  /// Looks at what a step of the handshake has sent. True when it was a new flight.
  mutating func noteStep(of connection: DtlsConnection, at now: Instant) -> Bool {
    let isNew = connection.flights != flightsSeen
    if isNew { begin(connection.flights, at: now) }
    if !connection.isTimerArmed { stop() }
    return isNew
  }

  /// A fresh handshake has come to where the old one was. Its flight counts as sent just now.
  mutating func noteReplay(of connection: DtlsConnection, at now: Instant) {
    begin(connection.flights, at: now)
    if !connection.isTimerArmed { stop() }
  }

  /// The flight was sent again.
  mutating func backOff(at now: Instant) {
    timeoutMilliseconds = min(timeoutMilliseconds * 2, Self.timeoutMillisecondsMax)
    deadline = now.advanced(byMilliseconds: timeoutMilliseconds)
  }

  /// No flight waits.
  mutating func stop() { deadline = .never }

  private mutating func begin(_ flights: UInt32, at now: Instant) {
    flightsSeen = flights
    timeoutMilliseconds = firstTimeoutMilliseconds
    deadline = now.advanced(byMilliseconds: timeoutMilliseconds)
  }
}
