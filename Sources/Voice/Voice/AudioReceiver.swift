package import Rtp
package import Wire

/// What one frame from an `AudioReceiver` is made of.
package enum HeardFrame: UInt8, Hashable, Sendable, CaseIterable {
  /// At least a part is what the sender said.
  case voice
  /// All made up, because packets are missing.
  case concealed
  /// Nothing is being sent, or nothing came for so long that making it up would be noise.
  case silence
}

/// What became of a packet that was given to an `AudioReceiver`.
package enum AudioVerdict: Hashable, Sendable {
  /// The jitter buffer's answer; the packet has been counted.
  case taken(JitterVerdict)
  /// Nothing that is heard here (a telephone event, comfort noise): it is not
  /// missed where it stood in for sound, and counted nowhere but here.
  case otherPayloadType
  /// Redundant audio (RFC 2198) that makes no sense: dropped, missed like a lost packet.
  case malformedRedundancy(RedDefect)
  /// Another source than the one that is heard. A second packet in sequence from it may make it
  /// the one.
  case otherSource
}

/// Counts of an `AudioReceiver` that are not in its jitter buffer's or its source's.
package struct AudioCounts: Hashable, Sendable {
  /// Frames of 20 ms with at least a part of what the sender said.
  package var voiceFrames: UInt64 = 0
  /// Frames of 20 ms of made-up sound alone.
  package var concealedFrames: UInt64 = 0
  /// Frames of 20 ms in which the sender is silent, or too much is missing to be made up.
  package var silentFrames: UInt64 = 0
  /// Pieces of sound, of a frame or less, that were made up; a frame may hold one beside a voice.
  package var concealedPieces: UInt64 = 0
  /// Lost packets that the packet after them told about.
  package var recoveredPackets: UInt64 = 0
  /// Quiet frames that came and were left out, to come back on schedule.
  package var quietFramesDropped: UInt64 = 0
  /// Lost or late packets that a later one brought along (RFC 2198).
  package var restoredPackets: UInt64 = 0
  /// Packets of redundant audio that make no sense, by what is wrong with them.
  package var redLengthWrong: UInt64 = 0
  /// Packets of redundant audio with more than four blocks.
  package var redBlockCountWrong: UInt64 = 0
  /// Packets of redundant audio with a block that is not Opus.
  package var redPayloadTypeWrong: UInt64 = 0
  /// Packets of redundant audio whose blocks overlap, or are not older one by one.
  package var redTimestampWrong: UInt64 = 0
  /// Packets that libopus refused.
  package var undecodable: UInt64 = 0
  /// Packets that lost a pitch period, because playing was behind its schedule.
  package var shortened: UInt64 = 0
  /// Packets that a pitch period was added to, because playing was ahead of its schedule.
  package var stretched: UInt64 = 0
  /// Authenticated packets with nothing to be heard, from whatever source.
  package var otherPayloadType: UInt64 = 0
  /// Packets of a source that was not the one that is heard; their sound is lost.
  package var otherSource: UInt64 = 0

  /// All 0. Another source or stream does not reset them.
  package init() {}

  /// The sum of the four: each packet counts once, by what was found first.
  package var redMalformed: UInt64 {
    redLengthWrong + redBlockCountWrong + redPayloadTypeWrong + redTimestampWrong
  }

  mutating func note(_ defect: RedDefect) {
    switch defect {
    case .length: redLengthWrong += 1
    case .blockCount: redBlockCountWrong += 1
    case .payloadType: redPayloadTypeWrong += 1
    case .timestamp: redTimestampWrong += 1
    }
  }
}

/// The hearing side of a call: authenticated RTP in, a frame of PCM each 20 ms out.
///
/// Sans-IO, one owner, memory taken at creation only. The frames follow the caller's clock; the
/// difference to the sender's is made up unnoticed, a pitch period at a time. Those of a prompt
/// receiver follow the sender's: `pullReady` whenever something has come and each 20 ms, and
/// `pullSilence` once in each 20 ms.
@safe package struct AudioReceiver: ~Copyable {
  /// Of the frames that are pulled, whatever rate the sender encodes at.
  package let rate: PcmRate
  /// Since creation, of all sources together.
  package private(set) var counts = AudioCounts()
  /// The source that is heard; nil before the first packet.
  package private(set) var source: ReceiverStatistics?

  /// What is missing and asked for again.
  var resends = ResendRequests()
  /// RTCP's round trip, in microseconds; nil while it is unknown.
  package var roundTripMicroseconds: UInt64?

  private let payloadTypes: PayloadTypes
  private let redPayloadTypes: PayloadTypes
  /// More than one source may send at a time.
  private let isShared: Bool
  /// Which header extension tells how loud a packet is, if one does.
  private let levelExtension: UInt8?
  /// Who sends answers requests for what is missing.
  let asksForResends: Bool
  var jitter: JitterBuffer
  private var decoder: OpusDecoder
  private let sound: UnsafeMutableBufferPointer<Int16>
  private var soundCount = 0
  private var quiet = QuietFrames()
  private var candidate: (ssrc: UInt32, next: UInt16)?
  /// When the source that is heard sent anything, and when it sent more than silence.
  private var lastPacket = Instant(nanoseconds: 0)
  private var lastVoice = Instant(nanoseconds: 0)

  /// Below -70 dB of the loudest there is, nobody speaks; a muted line says -127.
  private static let quietLevel: UInt8 = 70
  /// What libopus makes of digital silence, and of pauses in its discontinuous mode, is not longer.
  private static let silentBytesMax = 3
  /// Who talks has the word until it pauses for so long, or is gone for so long.
  private static let pauseMilliseconds: UInt64 = 60
  private static let absenceMilliseconds: UInt64 = 1_000

  /// - Parameters:
  ///   - payloadTypes: those that mean Opus.
  ///   - redPayloadTypes: those that mean Opus with redundancy (RFC 2198). A packet may be of
  ///     either kind at any time.
  ///   - isShared: the client may send on several lines, each with a source of its own. One is
  ///     heard at a time: who talks keeps the word until it pauses. Otherwise another source
  ///     replaces the one that is heard.
  ///   - levelExtension: the ID of RFC 6464's header extension. Without it only the shortest
  ///     packets are known for silence, and not every encoder makes such of it.
  ///   - asksForResends: the sender answers NACK (RFC 4585): `takeRequest` has what is missing.
  package init(
    payloadTypes: PayloadTypes, redPayloadTypes: PayloadTypes = [], rate: PcmRate,
    isPrompt: Bool = false,
    isShared: Bool = false, levelExtension: UInt8? = nil, asksForResends: Bool = false
  ) {
    jitter = JitterBuffer(isPrompt: isPrompt)
    self.payloadTypes = payloadTypes
    self.redPayloadTypes = redPayloadTypes
    self.isShared = isShared
    self.levelExtension = levelExtension
    self.asksForResends = asksForResends
    self.rate = rate
    decoder = OpusDecoder(rate: rate)
    // What is left of a frame, a packet, and what stretching adds.
    let milliseconds = 20 + OpusDecoder.packetMillisecondsMax + 20
    unsafe sound = .allocate(capacity: rate.sampleCount(milliseconds: milliseconds))
    unsafe sound.initialize(repeating: 0)
  }

  deinit {
    unsafe sound.deallocate()
  }

  /// Counts of the jitter buffer.
  package var jitterCounts: JitterCounts { jitter.counts }

  /// How long packets are held back beyond the quickest, in milliseconds; follows the jitter.
  package var targetMilliseconds: Int { jitter.targetMilliseconds }

  /// How much later than by the quickest packet sound is heard at `now`, in milliseconds: the delay
  /// that this side adds, at least for sound that is flowing.
  package func delayMilliseconds(at now: Instant) -> Int {
    jitter.delayMilliseconds(at: now, pendingUnits: pendingUnits)
  }

  /// Whether frames are to be pulled as they come.
  package var isPrompt: Bool { jitter.isPrompt }

  /// Silence that a prompt receiver gave while sound was late, and has not taken back yet: 0...1000
  /// milliseconds.
  package var debtMilliseconds: Int { jitter.debtMilliseconds }

  /// Takes an RTP packet that SRTP has authenticated, parsed as `header`, arrived at `now`.
  package mutating func handle(
    _ packet: RawSpan, header: RtpHeader, at now: Instant
  ) -> AudioVerdict {
    if payloadTypes.contains(header.payloadType) {
      return take(packet, header: header, payload: header.payload, at: now)
    }
    guard redPayloadTypes.contains(header.payloadType) else {
      counts.otherPayloadType += 1
      noteUsed(header, at: now)
      return .otherPayloadType
    }
    // Padding alone has no blocks.
    guard header.payload.count > 0 else {
      return take(packet, header: header, payload: header.payload, at: now)
    }
    switch RedPayload.parse(packet, at: header.payload, payloadTypes: payloadTypes) {
    case .malformed(let defect):
      counts.note(defect)
      if source?.ssrc == header.ssrc, !wasAsked(for: header.sequenceNumber, at: now) {
        source?.note(sequenceNumber: header.sequenceNumber)
      }
      return .malformedRedundancy(defect)
    case .payload(let payload):
      let verdict = take(packet, header: header, payload: payload.primary, at: now)
      if case .taken(let what) = verdict, what != .malformed {
        restore(payload, of: packet, header: header, at: now)
      }
      return verdict
    }
  }

  /// Fills one frame with what is to be heard at `now`. Call it each 20 ms, of a receiver that is
  /// not prompt.
  package mutating func pull(
    into frame: UnsafeMutableBufferPointer<Int16>, at now: Instant
  ) -> HeardFrame {
    var heard = unsafe make(frame, at: now)
    while unsafe quiet.mayDrop(frame), jitter.spareQuietFrame(at: now, pendingUnits: pendingUnits) {
      counts.quietFramesDropped += 1
      heard = unsafe make(frame, at: now)
    }
    note(heard)
    return heard
  }

  /// Fills one frame with sound of a prompt receiver that is in order at `now`, or that is made up
  /// for what is lost; nil when there is no whole one. Quiet frames are left out while silence is
  /// owed.
  package mutating func pullReady(
    into frame: UnsafeMutableBufferPointer<Int16>, at now: Instant
  ) -> HeardFrame? {
    while hasFrameReady(at: now) {
      let heard = unsafe make(frame, at: now)
      let isNeeded = unsafe !quiet.mayDrop(frame)
      if isNeeded || !jitter.paysDebt(units: frameUnits) {
        note(heard)
        return heard
      }
      counts.quietFramesDropped += 1
    }
    return nil
  }

  /// Fills one frame with silence when it is time for some; nil otherwise. Of a prompt receiver,
  /// once in each 20 ms, after `pullReady` has given all that there is.
  package mutating func pullSilence(
    into frame: UnsafeMutableBufferPointer<Int16>, at now: Instant
  ) -> HeardFrame? {
    guard jitter.isSilenceDue(at: now, pendingUnits: pendingUnits) else { return nil }
    return unsafe pull(into: frame, at: now)
  }

  /// The report block about the source; nil before the first packet.
  package mutating func reportBlock(at now: Instant) -> ReportBlock? {
    source?.reportBlock(at: now)
  }

  /// Remembers a sender report; one of another source is ignored.
  package mutating func noteSenderReport(ssrc: UInt32, info: SenderInfo, at now: Instant) {
    guard source?.ssrc == ssrc else { return }
    source?.noteSenderReport(ntpTime: info.ntpTime, at: now)
  }
}

extension AudioReceiver {
  /// Takes the packet's own sound, at `payload`.
  private mutating func take(
    _ packet: RawSpan, header: RtpHeader, payload: ByteRange, at now: Instant
  ) -> AudioVerdict {
    let isVoice = isVoice(packet, header, byteCount: payload.count)
    guard follow(header, isVoice: isVoice, at: now) else {
      counts.otherSource += 1
      return .otherSource
    }
    let isResent = wasAsked(for: header.sequenceNumber, at: now)
    // What came only because it was asked for was lost: who sends must go on hearing that.
    if !isResent {
      source?.note(
        sequenceNumber: header.sequenceNumber, timestamp: header.timestamp, at: now)
    }
    return unsafe packet.withUnsafeBytes { bytes in
      let payload = unsafe UnsafeRawBufferPointer(rebasing: bytes[payload.offset..<payload.end])
      return unsafe .taken(
        jitter.insert(
          sequenceNumber: header.sequenceNumber, timestamp: header.timestamp, payload: payload,
          isResent: isResent, at: now))
    }
  }

  /// Takes what is missing of the older sound that a packet brought along.
  private mutating func restore(
    _ payload: RedPayload, of packet: RawSpan, header: RtpHeader, at now: Instant
  ) {
    for index in 0..<payload.redundantCount {
      let block = payload.redundant(index)
      let isRestored = unsafe packet.withUnsafeBytes { bytes in
        unsafe jitter.restore(
          sequenceNumber: header.sequenceNumber &- block.packetsBack,
          timestamp: header.timestamp &- block.timestampOffset,
          payload: UnsafeRawBufferPointer(rebasing: bytes[block.range.offset..<block.range.end]),
          at: now)
      }
      guard isRestored else { continue }
      counts.restoredPackets += 1
      resends.noteRestored(header.sequenceNumber &- block.packetsBack)
    }
  }

  /// A packet of another kind has a number of the source's too, but nothing to be heard.
  private mutating func noteUsed(_ header: RtpHeader, at now: Instant) {
    guard source?.ssrc == header.ssrc else { return }
    if !wasAsked(for: header.sequenceNumber, at: now) {
      source?.note(sequenceNumber: header.sequenceNumber)
    }
    jitter.noteUsed(header.sequenceNumber)
  }

  /// True when the packet is of the source that is heard. Another one takes over with its second
  /// packet in sequence (MIN_SEQUENTIAL of RFC 3550, A.1), so that a stray packet ends no stream;
  /// and where several send, only when the one that is heard has nothing to say.
  private mutating func follow(_ header: RtpHeader, isVoice: Bool, at now: Instant) -> Bool {
    defer {
      if source?.ssrc == header.ssrc {
        lastPacket = now
        if isVoice { lastVoice = now }
      }
    }
    if source?.ssrc == header.ssrc {
      if !isShared { candidate = nil }
      return true
    }
    let isExpected =
      candidate?.ssrc == header.ssrc && candidate?.next == header.sequenceNumber
    guard source == nil || isExpected && mayTakeOver(isVoice, at: now) else {
      candidate = (header.ssrc, header.sequenceNumber &+ 1)
      return false
    }
    if source != nil {
      jitter.restart()
      decoder.reset()
      resends.restart()
    }
    candidate = nil
    source = ReceiverStatistics(
      ssrc: header.ssrc, firstSequenceNumber: header.sequenceNumber, clockRate: 48_000)
    return true
  }

  private func isVoice(_ packet: RawSpan, _ header: RtpHeader, byteCount: Int) -> Bool {
    guard byteCount > Self.silentBytesMax else { return false }
    guard let levelExtension, let level = header.audioLevel(in: packet, id: levelExtension) else {
      return true
    }
    return level < Self.quietLevel
  }

  private func mayTakeOver(_ isVoice: Bool, at now: Instant) -> Bool {
    guard isShared else { return true }
    return isVoice
      ? now.milliseconds(since: lastVoice) >= Self.pauseMilliseconds
      : now.milliseconds(since: lastPacket) >= Self.absenceMilliseconds
  }

  /// Decoded sound that waits for the rest of its frame.
  private var pendingUnits: Int64 { Int64(soundCount) * rate.unitsPerSample }

  private func hasFrameReady(at now: Instant) -> Bool {
    let missing = frameUnits - pendingUnits
    return missing <= 0 || jitter.unitsReady(at: now, limit: missing) >= missing
  }

  private mutating func make(
    _ frame: UnsafeMutableBufferPointer<Int16>, at now: Instant
  ) -> HeardFrame {
    precondition(frame.count == rate.frameSampleCount, "not one frame")
    var heard: HeardFrame = soundCount > 0 ? .voice : .silence
    while soundCount < frame.count {
      let piece = extend(to: frame.count, at: now)
      if piece.rawValue < heard.rawValue { heard = piece }
    }
    unsafe frame.baseAddress!.update(from: sound.baseAddress!, count: frame.count)
    soundCount -= frame.count
    unsafe sound.baseAddress!.update(from: sound.baseAddress! + frame.count, count: soundCount)
    return heard
  }

  /// Appends a piece of sound, to `count` samples or beyond.
  private mutating func extend(to count: Int, at now: Instant) -> HeardFrame {
    switch jitter.next(at: now, pendingUnits: pendingUnits) {
    case .play(let units, let adjustment, let isDiscontinuous):
      guard let added = unsafe decoder.decode(jitter.payload, into: room()) else {
        counts.undecodable += 1
        // A prompt listener's clock is the sender's.
        return conceal(isPrompt ? Int(units / rate.unitsPerSample) : count - soundCount)
      }
      append(added, adjustment: adjustment)
      return isDiscontinuous ? .silence : .voice
    case .recover(let units, let hasRedundancy):
      return recover(Int(units / rate.unitsPerSample), hasRedundancy: hasRedundancy)
    case .conceal(let units):
      return conceal(Int(units / rate.unitsPerSample))
    case .pause(let units):
      fillWithSilence(to: soundCount + max(1, Int(units / rate.unitsPerSample)))
      return .silence
    case .silence:
      if isPrompt { jitter.noteSilence(units: Int64(count - soundCount) * rate.unitsPerSample) }
      fillWithSilence(to: count)
      return .silence
    }
  }

  private mutating func recover(_ samples: Int, hasRedundancy: Bool) -> HeardFrame {
    let added = unsafe decoder.recover(from: jitter.payload, into: room(), sampleCount: samples)
    guard let added else { return conceal(samples) }
    soundCount += added
    guard hasRedundancy else {
      counts.concealedPieces += 1
      return .concealed
    }
    counts.recoveredPackets += 1
    return .voice
  }

  /// libopus makes up sound in steps of 2.5 ms.
  private mutating func conceal(_ samples: Int) -> HeardFrame {
    counts.concealedPieces += 1
    let step = rate.frameSampleCount / 8
    let whole = max(step, samples / step * step)
    if let added = unsafe decoder.conceal(into: room(), sampleCount: whole) {
      soundCount += added
    } else {
      fillWithSilence(to: soundCount + whole)
    }
    return .concealed
  }

  private mutating func append(_ added: Int, adjustment: TimeAdjustment) {
    let start = unsafe sound.baseAddress! + soundCount
    soundCount += added
    guard adjustment != .none, added >= rate.frameSampleCount else { return }
    let scaled =
      unsafe adjustment == .shorten
      ? TimeScaler.shorten(start, count: added, rate: rate)
      : TimeScaler.stretch(start, count: added, rate: rate)
    if scaled < added { counts.shortened += 1 }
    if scaled > added { counts.stretched += 1 }
    soundCount += scaled - added
  }

  private mutating func fillWithSilence(to count: Int) {
    guard soundCount < count else { return }
    for index in soundCount..<count { unsafe sound[index] = 0 }
    soundCount = count
  }

  /// Where the next sound goes; stretching keeps its part for itself.
  private func room() -> UnsafeMutableBufferPointer<Int16> {
    unsafe UnsafeMutableBufferPointer(
      rebasing: sound[soundCount..<(sound.count - TimeScaler.periodMax(rate: rate))])
  }

  private mutating func note(_ heard: HeardFrame) {
    switch heard {
    case .voice: counts.voiceFrames += 1
    case .concealed: counts.concealedFrames += 1
    case .silence: counts.silentFrames += 1
    }
  }
}
