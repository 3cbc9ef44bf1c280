import Wire

/// The flight that ends a handshake (RFC 6347, section 4.2.4), kept by the end that sends it.
///
/// Its sender has no timer any more and repeats it only when the peer asks by repeating its own,
/// which OpenSSL peers do after a whole second. So the same datagrams go out again, a few times,
/// until the peer shows by a protected packet that it has them. A peer that has them already takes
/// the copies for replays.
struct LastFlight {
  private static let datagramsMax = 4
  private static let resendsMax = 4

  private var datagrams: [[UInt8]] = []
  private var queue: [[UInt8]] = []
  private var timeoutMilliseconds: UInt64 = 0
  private var resends = 0

  /// When the flight is sent again; `.never` unless there is one to repeat.
  private(set) var deadline = Instant.never

  /// The handshake is done and the flight is about to be drained.
  mutating func begin(_ milliseconds: UInt64, at now: Instant) {
    timeoutMilliseconds = milliseconds
    deadline = now.advanced(byMilliseconds: milliseconds)
  }

  /// A datagram left. Keeps it when it belongs to the flight.
  mutating func note(_ datagram: UnsafeRawBufferPointer) {
    guard timeoutMilliseconds > 0, resends == 0, datagrams.count < Self.datagramsMax else { return }
    datagrams.append(unsafe Array(datagram))
  }

  /// The deadline has come: queues the flight again, or forgets it after the last time.
  mutating func resend(at now: Instant) {
    guard resends < Self.resendsMax else {
      self = LastFlight()
      return
    }
    resends += 1
    queue = datagrams
    timeoutMilliseconds *= 2
    deadline = now.advanced(byMilliseconds: timeoutMilliseconds)
  }

  /// The next datagram to send again; nil when there is none.
  mutating func nextDatagram(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    guard let next = queue.first, next.count <= buffer.count else { return nil }
    queue.removeFirst()
    unsafe buffer.copyBytes(from: next)
    return next.count
  }
}
