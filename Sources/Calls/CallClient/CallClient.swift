import Crypto
package import Dtls
import Ice
import Rtp
import Srtp
package import Voice
package import Wire

/// How a caller behaves.
package struct CallClientOptions: Sendable {
  /// What the offer says of the DTLS roles.
  package enum Setup: String, Sendable { case actpass, active, passive }

  /// Where the offer has redundancy (RFC 2198): the order says what the caller would rather have.
  package enum Red: Sendable { case none, afterOpus, beforeOpus }

  package var setup = Setup.actpass
  package var red = Red.none
  /// Whether the offer has NACK for Opus (RFC 4585).
  package var offersNack = false
  /// Whether the offer has transport-wide feedback and its sequence numbers.
  package var offersTransportFeedback = false
  /// At which rate the caller listens.
  package var rate = PcmRate.hertz16000
  /// Whether it goes on checking once it is connected (RFC 7675). libnice does not.
  package var keepsConsent = true
  /// How long the call may take to connect after the answer.
  package var connectMilliseconds: UInt64 = 15_000
  /// Data channels that are opened when the call is connected; none are offered without.
  package var channels: [CallerChannelOptions] = []

  package init() {}
}

/// Why a caller's call ended.
package enum CallClientEnd: Equatable, Sendable {
  case hungUp
  /// The server said BYE or close_notify.
  case endedByServer
  case neverConnected
  case consentLost
  case dtlsFailed(DtlsFailure)
}

/// Where a caller stands.
package enum CallClientState: Equatable, Sendable {
  /// Waits for the answer to its offer.
  case offering
  case connecting
  case connected
  case ended(CallClientEnd)
}

/// The figures of one call, as its caller sees them.
package struct CallClientFigures: Sendable {
  /// From the answer to the first answered check, in milliseconds.
  package var iceMilliseconds: UInt64?
  /// From the answer to the keys, in milliseconds.
  package var connectMilliseconds: UInt64?
  /// What became of the packets, both ways.
  package var packets = PacketLedger()
  /// Frames of 20 ms that had to be made up.
  package var framesConcealed: UInt64 = 0
  /// Packets that SRTP refused.
  package var packetsRefused: UInt64 = 0
  package var roundTripMicroseconds: UInt64?
  package var tone = ToneFigures()
  package var srtpProfile: String?

  package init() {}

  package var packetsSent: UInt64 { packets.sent }
  package var packetsReceived: UInt64 { packets.received }
  /// From the server to the caller.
  package var packetsLost: UInt64 { packets.lostFromServer }
}

/// The other end of a call: offers, connects, says a tone and measures what comes back.
///
/// Sans-IO, as the session is that it calls: after each mutating call drain `nextDatagram`, then
/// ask for `deadline`. One thread.
package final class CallClient {
  package let options: CallClientOptions
  package private(set) var state = CallClientState.offering
  package var deadline: Instant { computeDeadline() }

  let identity: DtlsIdentity
  let tone: EncodedTone
  let secrets: CallerSecrets
  var random: SeededRandom
  var ice: IceClientAgent?
  var dtls: OpenSslDtls?
  var media: CallerMedia?
  var channels: CallerChannels?
  var answer: AnswerDescription?
  var queue = SendQueue()
  private var heardFrom: TransportAddress?
  var acceptedAt = Instant.never
  var counts = CallClientFigures()

  /// `random` must be a secure one in service: the call's secrets come from it.
  package init(
    tone: EncodedTone, identity: DtlsIdentity, options: CallClientOptions = CallClientOptions(),
    random: inout some RandomNumberGenerator
  ) {
    self.tone = tone
    self.identity = identity
    self.options = options
    secrets = CallerSecrets(random: &random)
    self.random = SeededRandom(seed: random.next())
  }

  /// The SDP offer, ready to be posted.
  package var offer: String {
    OfferText.render(
      secrets: secrets, fingerprint: identity.fingerprint(), options: options)
  }

  /// Takes the server's SDP answer and begins to connect.
  package func accept(answer text: String, at now: Instant) throws(CallClientError) {
    precondition(state == .offering, "a call is answered once")
    let answer = try AnswerDescription.parse(text)
    var configuration = DtlsConfiguration(
      role: answer.isActive ? .passive : .active, fingerprints: answer.fingerprints)
    configuration.handshakeTimeoutMilliseconds = options.connectMilliseconds
    do {
      dtls = try OpenSslDtls(
        identity: identity, configuration: configuration, seed: secrets.dtlsSeed)
    } catch {
      throw CallClientError(description: error.description)
    }
    self.answer = answer
    ice = IceClientAgent(
      local: IceCredentials(ufrag: secrets.iceUfrag, password: secrets.icePwd),
      remote: IceCredentials(ufrag: answer.iceUfrag, password: answer.icePwd),
      candidates: answer.candidates, keepsConsent: options.keepsConsent,
      tieBreaker: random.next(), at: now)
    acceptedAt = now
    state = .connecting
    // A server that is active may speak as soon as it has our first check.
    if answer.isActive { dtls?.start(at: now) }
    pollIce(at: now)
  }

  /// Takes one datagram that came from `address`, changing it in place; any bytes may come.
  package func handle(
    _ datagram: UnsafeMutableRawBufferPointer, from address: TransportAddress, at now: Instant
  ) {
    guard state == .connecting || state == .connected, let first = unsafe datagram.first,
      ice?.isCandidate(address) == true
    else { return }
    switch DatagramKind.classify(firstByte: first) {
    case .stun: unsafe handleStun(datagram, from: address, at: now)
    case .dtls:
      heardFrom = address
      unsafe dtls?.handle(UnsafeRawBufferPointer(datagram), at: now)
      pumpDtls(at: now)
      receiveChannelPackets(at: now)
    case .media: unsafe handleMedia(datagram, at: now)
    case .other: break
    }
    pumpChannels(at: now)
  }

  /// Does what is due at `now`.
  package func handleTimeout(at now: Instant) {
    guard state == .connecting || state == .connected else { return }
    if state == .connecting,
      now.milliseconds(since: acceptedAt) >= options.connectMilliseconds
    {
      return end(.neverConnected)
    }
    pollIce(at: now)
    if let dtls, dtls.deadline <= now {
      dtls.handleTimeout(at: now)
      pumpDtls(at: now)
    }
    runMedia(at: now)
    if let channels, channels.deadline <= now { channels.handleTimeout(at: now) }
    pumpChannels(at: now)
  }

  /// Writes the next datagram to send into `buffer` (1,536 bytes or more): its length and target.
  package func nextDatagram(
    into buffer: UnsafeMutableRawBufferPointer
  ) -> (length: Int, to: TransportAddress)? {
    unsafe queue.next(into: buffer)
  }

  /// Ends the call: BYE and close_notify are queued.
  package func hangUp(at now: Instant) {
    guard state == .connecting || state == .connected else { return end(.hungUp) }
    if let media, let target, let slot = unsafe queue.slot() {
      var length = unsafe media.writeGoodbye(into: slot)
      if unsafe media.srtp.protectRtcp(slot, length: &length) == .ok {
        queue.commit(length: length, to: target)
      }
    }
    dtls?.close()
    drainDtls()
    end(.hungUp)
  }

  /// Says nothing more and hears on: what still flies can come, and the server's report on it. Then
  /// `isSettled`.
  package func stopSpeaking(at now: Instant) { media?.fallSilent(at: now) }

  /// What became of everything that was said is known. Not before `stopSpeaking`; and never, where
  /// the server sends no reports.
  package func isSettled(at now: Instant) -> Bool { media?.isSettled(at: now) ?? true }

  /// The server's addresses, as its answer has them; empty before.
  package var serverAddresses: [TransportAddress] { answer?.candidates ?? [] }

  /// Why there is no connection, with every address that was tried: a clause for people.
  package var unconnectedReason: String {
    let tried = serverAddresses.map { "\($0)" }.joined(separator: ", ")
    if let selected = ice?.selected {
      let others = serverAddresses.count > 1 ? " (tried: \(tried))" : ""
      return "\(selected) answered the check, DTLS did not end\(others)"
    }
    return "no check was answered; tried over UDP: \(tried)"
  }

  /// The call in numbers, at this moment.
  package var figures: CallClientFigures {
    var figures = counts
    guard let media else { return figures }
    figures.packets = media.ledger
    figures.framesConcealed = media.concealedFrames
    figures.roundTripMicroseconds = media.roundTripMicroseconds
    figures.tone = media.figures
    figures.srtpProfile = media.srtp.profile.name
    return figures
  }

  // MARK: - Steps

  func end(_ reason: CallClientEnd) {
    if case .ended = state { return }
    state = .ended(reason)
  }

  private func computeDeadline() -> Instant {
    guard state == .connecting || state == .connected, let ice, let dtls else { return .never }
    var next = min(ice.deadline, dtls.deadline)
    if state == .connecting {
      next = min(next, acceptedAt.advanced(byMilliseconds: options.connectMilliseconds))
    }
    if let channels { next = min(next, channels.deadline) }
    if let media { next = min(next, media.ticks.next, media.nextReport, media.nextFeedback) }
    return next
  }

  private func pollIce(at now: Instant) {
    while let slot = unsafe queue.slot(),
      let check = unsafe ice?.poll(at: now, into: slot, random: &random)
    {
      queue.commit(length: check.length, to: check.to)
    }
    if ice?.state == .lost { end(state == .connected ? .consentLost : .neverConnected) }
  }

  private func handleStun(
    _ datagram: UnsafeMutableRawBufferPointer, from address: TransportAddress, at now: Instant
  ) {
    guard let slot = unsafe queue.slot() else { return }
    let verdict = unsafe ice?.handle(
      UnsafeRawBufferPointer(datagram).bytes, from: address, at: now, reply: slot)
    switch verdict {
    case .respond(let length): queue.commit(length: length, to: address)
    case .connected:
      counts.iceMilliseconds = now.milliseconds(since: acceptedAt)
      dtls?.start(at: now)
      pumpDtls(at: now)
      pollIce(at: now)
    case .refreshed, .ignored, nil: break
    }
  }

  private func handleMedia(_ datagram: UnsafeMutableRawBufferPointer, at now: Instant) {
    guard let media else { return }
    var length = datagram.count
    let isControl = isRtcp(unsafe UnsafeRawBufferPointer(datagram).bytes)
    let status =
      unsafe isControl
      ? media.srtp.unprotectRtcp(datagram, length: &length)
      : media.srtp.unprotectRtp(datagram, length: &length)
    guard status == .ok else {
      counts.packetsRefused += 1
      return
    }
    dtls?.noteProtectedPacket()
    let bytes = unsafe UnsafeRawBufferPointer(rebasing: datagram[..<length]).bytes
    guard isControl else { return media.receive(rtp: bytes, at: now) }
    if media.receive(rtcp: bytes, at: now) { end(.endedByServer) }
    resend(media, at: now)
  }

  private func runMedia(at now: Instant) {
    guard state == .connected, let media, let target else { return }
    while media.ticks.next <= now {
      sendTick(media, to: target, at: now)
      media.ticks.advance(at: now)
    }
    if media.nextReport <= now, let slot = unsafe queue.slot() {
      unsafe send(media.writeReport(into: slot, at: now), of: slot, media, to: target)
    }
    if media.nextFeedback <= now, let slot = unsafe queue.slot() {
      unsafe send(media.writeFeedback(into: slot, at: now), of: slot, media, to: target)
    }
  }

  /// Sends the RTCP in the first `count` bytes of `slot`.
  private func send(
    _ count: Int, of slot: UnsafeMutableRawBufferPointer, _ media: CallerMedia,
    to target: TransportAddress
  ) {
    var length = count
    guard length > 0, unsafe media.srtp.protectRtcp(slot, length: &length) == .ok else { return }
    queue.commit(length: length, to: target)
  }

  private func sendTick(_ media: CallerMedia, to target: TransportAddress, at now: Instant) {
    guard let slot = unsafe queue.slot() else { return }
    var length = unsafe media.tick(into: slot, at: now)
    guard length > 0 else { return }
    if unsafe media.srtp.protectRtp(slot, length: &length) == .ok {
      unsafe media.keep(UnsafeRawBufferPointer(rebasing: slot[..<length]), at: now)
      queue.commit(length: length, to: target)
    }
  }

  private func pumpDtls(at now: Instant) {
    guard let dtls else { return }
    drainDtls()
    switch dtls.state {
    case .connected, .associationLost: if media == nil { beginMedia(dtls, at: now) }
    case .failed(let failure): end(.dtlsFailed(failure))
    case .closed: end(.endedByServer)
    case .idle, .handshaking: break
    }
  }

  /// Sends again what the server has just asked for.
  private func resend(_ media: CallerMedia, at now: Instant) {
    guard let target else { return }
    while let packet = unsafe media.nextResend(at: now), let slot = unsafe queue.slot() {
      unsafe slot.copyMemory(from: packet)
      queue.commit(length: packet.count, to: target)
    }
  }

  /// Where datagrams go. A server that got our check speaks to us even when its answer was lost, so
  /// DTLS may be done before the first check is: then it is heard from the address that works.
  private var target: TransportAddress? {
    ice?.selected ?? heardFrom ?? answer?.candidates.first
  }

  func drainDtls() {
    guard let dtls, let target else { return }
    while let slot = unsafe queue.slot(), let length = unsafe dtls.nextDatagram(into: slot) {
      queue.commit(length: length, to: target)
    }
  }

  private func beginMedia(_ dtls: OpenSslDtls, at now: Instant) {
    guard let agreed = dtls.srtpKeys, let profile = SrtpProfile(rawValue: agreed.profile),
      let keys = SrtpKeys(profile: profile, local: agreed.local, remote: agreed.remote),
      let srtp = SrtpContext(keys: keys), let answer
    else { return end(.dtlsFailed(.noSrtpProfile)) }
    media = CallerMedia(
      tone: tone, answer: answer, rate: options.rate, srtp: srtp,
      ssrc: secrets.ssrc, random: &random, at: now)
    counts.connectMilliseconds = now.milliseconds(since: acceptedAt)
    state = .connected
    beginChannels(at: now)
  }
}
