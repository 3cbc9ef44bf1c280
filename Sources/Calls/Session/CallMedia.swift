import Backends
import Dtls
import Rtp
import Srtp
import Voice
import Wire

/// The voice of a connected call: RTP and RTCP in and out, and the 20 ms tick that moves a frame
/// from the client through the answering party and back.
///
/// Works on plain packets. A packet and a tick allocate nothing (`SessionBudgetTests`).
@safe final class CallMedia {
  /// How often we report (RFC 3550, section 6.2, for a session of two with little to say).
  static let reportMilliseconds: UInt64 = 1_000

  let srtp: SrtpContext
  let rate: PcmRate
  var receiver: AudioReceiver
  /// Nil in a call in which we do not send.
  var sender: AudioSender?
  let ssrc: UInt32
  let party: CallParty
  var history: PacketHistory
  let name: CanonicalName
  var ticks: FrameClock
  var nextReport: Instant
  let frame: UnsafeMutableBufferPointer<Int16>
  private var allowance: PromptAllowance
  /// The client's figures about us, and the round trip that they allow.
  var roundTripMicroseconds: UInt64? {
    didSet { receiver.roundTripMicroseconds = roundTripMicroseconds }
  }
  var reportedLost: Int32 = 0
  /// How long the sound of the last tick had waited, and the longest of all.
  private(set) var heldMilliseconds: UInt64 = 0
  private(set) var heldMillisecondsMax: UInt64 = 0

  init(
    parameters: SessionParameters, party: CallParty, srtp: SrtpContext,
    random: inout some RandomNumberGenerator, at now: Instant
  ) {
    self.srtp = srtp
    self.party = party
    rate = party.backend.rate
    receiver = AudioReceiver(
      payloadTypes: PayloadTypes(parameters.heardPayloadTypes),
      redPayloadTypes: PayloadTypes(parameters.redPayloadTypes), rate: rate,
      isPrompt: party.backend.hearsPromptly, isShared: parameters.heardPayloadTypes.count > 1,
      levelExtension: parameters.levelExtension, asksForResends: parameters.asksForResends)
    ssrc = parameters.ssrc
    if parameters.sendsAudio {
      sender = AudioSender(
        names: SentNames(
          ssrc: ssrc, payloadType: parameters.opusPayloadType,
          redPayloadType: parameters.redPayloadType,
          transportExtension: parameters.transportSequenceExtension),
        rate: rate,
        // Half the range, so that no receiver meets a wrap in the first minutes (RFC 3711, 3.3.1).
        firstSequenceNumber: UInt16(truncatingIfNeeded: random.next()) & 0x7FFF,
        firstTimestamp: UInt32(truncatingIfNeeded: random.next()), settings: parameters.opus)
    }
    history = PacketHistory(
      slotByteCount: AudioSender.packetByteCountMax(parameters.opus)
        + SrtpContext.overheadByteCount)
    name = CanonicalName(parameters.cname)
    allowance = PromptAllowance(at: now)
    ticks = FrameClock(at: now, gridNanoseconds: CallSession.gridNanoseconds)
    nextReport = now.advanced(byMilliseconds: Self.reportMilliseconds / 2)
    unsafe frame = .allocate(capacity: rate.frameSampleCount)
    unsafe frame.initialize(repeating: 0)
  }

  deinit { unsafe frame.deallocate() }

  /// A report goes with a tick: it is worth no wake-up of its own. Asking for what is lost is.
  var deadline: Instant { min(ticks.next, receiver.requestDeadline) }

  /// One RTP packet whose authentication held; false when it is none at all. Whatever else an
  /// honest stack may send (another payload type, a duplicate, a late one) the receiver counts.
  func receive(rtp bytes: RawSpan, at now: Instant) -> Bool {
    guard case .packet(let header) = RtpHeader.parse(bytes) else { return false }
    _ = receiver.handle(bytes, header: header, at: now)
    if receiver.isPrompt { hearInOrder(at: now) }
    return true
  }

  /// Hands on what has come in order, as far as the allowance goes.
  private func hearInOrder(at now: Instant) {
    while allowance.hasFrame(at: now),
      let heard = unsafe receiver.pullReady(into: frame, at: now)
    {
      allowance.spendFrame()
      hand(heard, arrival: now, at: now)
    }
  }

  /// What a tick has to hear: a frame, or of a prompt receiver what time has made ready.
  private func hearTick(at now: Instant) {
    guard receiver.isPrompt else {
      let heard = unsafe receiver.pull(into: frame, at: now)
      return hand(
        heard, arrival: now.advanced(byMillisecondsBack: heldMilliseconds), at: now)
    }
    hearInOrder(at: now)
    if let heard = unsafe receiver.pullSilence(into: frame, at: now) {
      hand(heard, arrival: now, at: now)
    }
  }

  private func hand(_ heard: HeardFrame, arrival: Instant, at now: Instant) {
    unsafe party.hear(UnsafeBufferPointer(frame), heard: heard, arrival: arrival, at: now)
  }

  /// One tick: a frame heard, unless that goes by what comes, and a frame said. Gives the length of
  /// the RTP packet that it wrote into `output`, 0 when there is nothing to send. Where we do not
  /// send, what is said is played to nobody: the party's time goes on.
  func tick(
    into output: UnsafeMutableRawBufferPointer, at now: Instant, budget: inout EncodingBudget
  ) -> Int {
    heldMilliseconds = UInt64(clamping: receiver.delayMilliseconds(at: now))
    heldMillisecondsMax = max(heldMillisecondsMax, heldMilliseconds)
    hearTick(at: now)
    let speaks = unsafe party.say(into: frame, at: now)
    let said = unsafe speaks ? UnsafeBufferPointer(frame) : nil
    return unsafe sender?.send(said, into: output, at: now, budget: &budget) ?? 0
  }

  /// The number of the packet that the next tick sends, if it sends one.
  var nextSequenceNumber: UInt16 { sender?.nextSequenceNumber ?? 0 }

  /// The client says what of ours was lost.
  func noteReport(_ block: ReportBlock, at now: Instant) {
    reportedLost = block.cumulativeLost
    let trip = MediaClock.roundTripMicroseconds(from: block, at: now)
    if let trip { roundTripMicroseconds = trip }
    sender?.control.note(block, roundTripMicroseconds: trip, at: now)
  }

  /// The client says what became of each packet.
  func noteFeedback(_ feedback: TransportFeedback, of bytes: RawSpan, at now: Instant) {
    sender?.control.note(feedback, of: bytes, at: now)
  }

  /// The packet to send again, when the client asks for it; nil when there is none to be had.
  func resend(_ sequenceNumber: UInt16, at now: Instant) -> UnsafeRawBufferPointer? {
    let isFirst = history.isFirstRequest(sequenceNumber)
    guard let packet = unsafe history.resend(sequenceNumber, at: now) else { return nil }
    if isFirst { sender?.control.noteRequest(sequenceNumber: sequenceNumber, at: now) }
    return unsafe packet
  }

  /// How our voice is sent.
  var encoding: EncodingFigures? {
    guard sender != nil, let plan = sender?.plan, let changes = sender?.control.coderChanges,
      let narrowings = sender?.control.narrowings
    else { return nil }
    return EncodingFigures(
      plan: plan, lossPercent: sender?.control.lossPercent(at: ticks.next) ?? 0,
      coderChanges: changes, narrowings: narrowings)
  }

  /// Writes our report (SR or RR, with SDES); gives its length.
  func writeReport(into output: UnsafeMutableRawBufferPointer, at now: Instant) -> Int {
    nextReport = now.advanced(byMilliseconds: Self.reportMilliseconds)
    var writer = unsafe ByteWriter(into: output)
    RtcpWriter.report(
      from: ssrc, info: sender?.statistics.report(at: now) ?? nil,
      block: receiver.reportBlock(at: now), name: name, to: &writer)
    return writer.count
  }

  /// Writes the BYE that ends our audio; gives its length.
  func writeGoodbye(into output: UnsafeMutableRawBufferPointer) -> Int {
    var writer = unsafe ByteWriter(into: output)
    RtcpWriter.goodbye(from: ssrc, name: name, to: &writer)
    return writer.count
  }
}
