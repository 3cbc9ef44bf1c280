import Dtls
import Wire

/// A real endpoint that keeps what it was given to protect: OpenSSL's randomness hides it on the
/// wire.
final class TappedDtls: DtlsEndpoint {
  private let real: any DtlsEndpoint
  /// Application data that was sent and whose record has not been looked at yet, the oldest first.
  var sentInClear: [[UInt8]] = []

  init(_ real: any DtlsEndpoint) { self.real = real }

  var state: DtlsState { real.state }
  var lastError: String { real.lastError }
  var deadline: Instant { real.deadline }
  var srtpKeys: DtlsSrtpKeys? { real.srtpKeys }
  var counters: DtlsCounters { real.counters }
  func start(at now: Instant) { real.start(at: now) }
  func handle(_ datagram: UnsafeRawBufferPointer, at now: Instant) {
    unsafe real.handle(datagram, at: now)
  }
  func handleTimeout(at now: Instant) { real.handleTimeout(at: now) }
  func noteProtectedPacket() { real.noteProtectedPacket() }
  func nextDatagram(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    unsafe real.nextDatagram(into: buffer)
  }
  func nextApplicationData(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    unsafe real.nextApplicationData(into: buffer)
  }
  func send(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let isSent = unsafe real.send(bytes)
    if isSent { unsafe sentInClear.append(Array(bytes)) }
    return isSent
  }
  func close() { real.close() }
}
