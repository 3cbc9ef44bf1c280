import CPlainPeer
import Dtls
import Wire

/// A DTLS peer of another maker: OpenSSL as it comes, which trusts what arrives, with habits that
/// ours has not. It repeats nothing by itself.
@safe final class PlainPeer: DtlsEndpoint {
  // SAFETY: made and freed here, used by one thread.
  private let peer: OpaquePointer
  private(set) var state: DtlsState = .idle
  let srtpKeys: DtlsSrtpKeys? = nil
  let counters = DtlsCounters()
  let deadline = Instant.never
  let lastError = ""

  struct Habits {
    var asksForCertificate = true
    var showsCertificate = true
    var asksForCookie = false
    var knowsSrtp = true
    var bindsKeys = true
    /// By OpenSSL's names.
    var suites = "ALL"
  }

  init(_ role: DtlsRole, _ change: (inout Habits) -> Void = { _ in }) {
    var habits = Habits()
    change(&habits)
    unsafe peer = habits.suites.withCString { suites in
      var these = unsafe plain_peer_habits(
        active: role == .active, asks_for_certificate: habits.asksForCertificate,
        shows_certificate: habits.showsCertificate, asks_for_cookie: habits.asksForCookie,
        knows_srtp: habits.knowsSrtp, binds_keys: habits.bindsKeys, suites: suites)
      return unsafe plain_peer_create(&these)!
    }
  }

  deinit { unsafe plain_peer_free(peer) }

  static var libraryVersion: String { unsafe String(cString: plain_peer_library_version()) }

  var fingerprint: DtlsFingerprint {
    var digest = [UInt8](repeating: 0, count: Int(PLAIN_PEER_DIGEST_BYTES))
    unsafe digest.withUnsafeMutableBufferPointer {
      unsafe plain_peer_digest(peer, $0.baseAddress!)
    }
    return DtlsFingerprint(hash: .sha256, digest: digest)!
  }

  func start(at now: Instant) {
    state = .handshaking
    unsafe plain_peer_drive(peer, nil, 0)
  }

  func handle(_ datagram: UnsafeRawBufferPointer, at now: Instant) {
    guard state == .handshaking || state == .connected, let base = datagram.baseAddress else {
      return
    }
    unsafe plain_peer_drive(peer, base, datagram.count)
    if unsafe plain_peer_is_connected(peer) { state = .connected }
    if unsafe plain_peer_is_dead(peer) { state = .failed(.associationFailed) }
  }

  func handleTimeout(at now: Instant) {}
  func noteProtectedPacket() {}

  func nextDatagram(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    let length = unsafe plain_peer_next_record(peer, buffer.baseAddress!, buffer.count)
    return length > 0 ? length : nil
  }

  func nextApplicationData(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    let length = unsafe plain_peer_read(peer, buffer.baseAddress!, buffer.count)
    if unsafe plain_peer_is_dead(peer) { state = .closed }
    return length > 0 ? length : nil
  }

  func send(_ bytes: UnsafeRawBufferPointer) -> Bool {
    unsafe plain_peer_write(peer, bytes.baseAddress!, bytes.count)
  }

  func close() { unsafe plain_peer_close(peer) }

  /// A record with any content under this peer's key.
  func seal(type: UInt8, number: UInt32, _ content: [UInt8]) -> [UInt8] {
    var record = [UInt8](repeating: 0, count: content.count + 64)
    let length = unsafe record.withUnsafeMutableBytes { record in
      unsafe content.withUnsafeBytes { content in
        unsafe plain_peer_seal(
          peer, type, number, content.baseAddress, content.count, record.baseAddress!)
      }
    }
    return Array(record[..<length])
  }
}
