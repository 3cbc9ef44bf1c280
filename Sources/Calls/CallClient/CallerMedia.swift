import Rtp
import Srtp
package import Voice
import Wire

/// The sound of a connected call at its caller: says a tone, and measures what comes back.
@safe final class CallerMedia {
  static let reportMilliseconds: UInt64 = 1_000
  /// How often it tells of each packet, where that is agreed on.
  static let feedbackMilliseconds: UInt64 = 100
  /// A window is right when its tone is this close to the one that was said.
  static let toneToleranceHertz = 3.0

  let srtp: SrtpContext
  private let tone: EncodedTone
  private let payloadType: UInt8
  private let transportExtension: UInt8?
  private var teller = ArrivalTeller()
  private(set) var nextFeedback = Instant.never
  private let redPayloadType: UInt8?
  /// Nil where nothing is sent again.
  private var history: PacketHistory?
  private var wanted = [17 of UInt16](repeating: 0)
  private var wantedCount = 0
  private let ssrc: UInt32
  private let name: CanonicalName
  private let firstSequenceNumber: UInt16
  private var sequenceNumber: UInt16
  private var timestamp: UInt32
  private var nextPayload = 0
  private var statistics = SenderStatistics(clockRate: 48_000)
  private var receiver: AudioReceiver
  private var meter: ToneMeter
  private let frame: UnsafeMutableBufferPointer<Int16>
  var ticks: FrameClock
  private(set) var nextReport: Instant
  private(set) var figures = ToneFigures()
  private(set) var roundTripMicroseconds: UInt64?
  private(set) var ledger = PacketLedger()
  /// When it stopped speaking; it hears on.
  private(set) var silentSince: Instant?
  /// When the server's last report came.
  private var toldAt = Instant(nanoseconds: 0)
  /// Frames that were made up while it spoke.
  private var concealed: UInt64?

  init(
    tone: EncodedTone, answer: AnswerDescription, rate: PcmRate, srtp: SrtpContext, ssrc: UInt32,
    random: inout SeededRandom, at now: Instant
  ) {
    payloadType = answer.payloadType
    transportExtension = answer.transportSequenceExtension
    self.tone = tone
    redPayloadType = answer.prefersRed ? answer.redPayloadType : nil
    if answer.usesNack { history = PacketHistory(slotByteCount: 640) }
    self.srtp = srtp
    self.ssrc = ssrc
    name = CanonicalName("caller")
    // Half the range, so that no receiver meets a wrap in the first minutes (RFC 3711, 3.3.1).
    firstSequenceNumber = UInt16(truncatingIfNeeded: random.next()) & 0x7FFF
    sequenceNumber = firstSequenceNumber
    timestamp = UInt32(truncatingIfNeeded: random.next())
    receiver = AudioReceiver(payloadTypes: [payloadType], rate: rate)
    meter = ToneMeter(rate: rate)
    unsafe frame = .allocate(capacity: rate.frameSampleCount)
    unsafe frame.initialize(repeating: 0)
    ticks = FrameClock(at: now)
    nextReport = now.advanced(byMilliseconds: Self.reportMilliseconds / 2)
    if transportExtension != nil {
      nextFeedback = now.advanced(byMilliseconds: Self.feedbackMilliseconds)
    }
  }

  deinit { unsafe frame.deallocate() }

  var concealedFrames: UInt64 { concealed ?? receiver.counts.concealedFrames }

  /// Says nothing more; hears on, to learn what became of what it said.
  func fallSilent(at now: Instant) {
    guard silentSince == nil else { return }
    silentSince = now
    concealed = receiver.counts.concealedFrames
  }

  /// Nothing of what it said flies any more, the server has told what came, and what it told of its
  /// own has had the time to come.
  func isSettled(at now: Instant) -> Bool {
    guard let silentSince else { return false }
    let lastNews = max(silentSince, toldAt)
    return now.milliseconds(since: lastNews) > graceMilliseconds && ledger.unreported == 0
  }

  private var graceMilliseconds: UInt64 {
    PacketLedger.graceMilliseconds + (roundTripMicroseconds ?? 0) / 1_000
  }

  /// Takes an RTP packet whose authentication held.
  func receive(rtp bytes: RawSpan, at now: Instant) {
    guard case .packet(let header) = RtpHeader.parse(bytes) else { return }
    if let transportExtension,
      let number = header.transportNumber(in: bytes, id: transportExtension)
    {
      teller.note(number, at: now)
    }
    guard case .taken = receiver.handle(bytes, header: header, at: now) else { return }
    let isInTime =
      silentSince.map { now.milliseconds(since: $0) <= graceMilliseconds } ?? true
    ledger.noteReceived(receiver.source, isInTime: isInTime)
  }

  /// Takes a compound RTCP packet whose authentication held; true when it says goodbye.
  func receive(rtcp bytes: RawSpan, at now: Instant) -> Bool {
    guard case .compound(let compound) = RtcpCompound.parse(bytes) else { return false }
    var offset = 0
    var isGoodbye = false
    while let (part, next) = compound.part(of: bytes, at: offset) {
      offset = next
      switch part {
      case .senderReport(let ssrc, let info, let blocks):
        receiver.noteSenderReport(ssrc: ssrc, info: info, at: now)
        toldAt = now
        if receiver.source?.ssrc == ssrc {
          ledger.noteSenderReport(packetCount: info.packetCount, source: receiver.source)
        }
        note(blocks, of: bytes, at: now)
      case .receiverReport(_, let blocks): note(blocks, of: bytes, at: now)
      case .goodbye: isGoodbye = true
      case .nack(let nack): note(nack, of: bytes)
      case .transportFeedback, .sourceDescription, .other: break
      }
    }
    return isGoodbye
  }

  private func note(_ nack: GenericNack, of bytes: RawSpan) {
    guard nack.media == ssrc else { return }
    wantedCount = 0
    nack.forEach(of: bytes, limit: wanted.count) { number in
      wanted[wantedCount] = number
      wantedCount += 1
    }
  }

  /// The next packet that is to be sent again; valid until the next call.
  func nextResend(at now: Instant) -> UnsafeRawBufferPointer? {
    while wantedCount > 0 {
      wantedCount -= 1
      if let packet = unsafe history?.resend(wanted[wantedCount], at: now) { return unsafe packet }
    }
    return nil
  }

  /// Keeps the protected packet of the last tick.
  func keep(_ packet: UnsafeRawBufferPointer, at now: Instant) {
    unsafe history?.store(packet.bytes, sequenceNumber: sequenceNumber &- 1, at: now)
  }

  private func note(_ blocks: ReportBlocks, of bytes: RawSpan, at now: Instant) {
    for index in 0..<blocks.count {
      let block = blocks.block(index, of: bytes)
      guard block.ssrc == ssrc else { continue }
      ledger.note(block, firstSequenceNumber: firstSequenceNumber)
      roundTripMicroseconds =
        MediaClock.roundTripMicroseconds(from: block, at: now) ?? roundTripMicroseconds
    }
  }

  /// One tick: hears a frame, and writes the next RTP packet into `output`; its length, 0 once it
  /// is silent.
  func tick(into output: UnsafeMutableRawBufferPointer, at now: Instant) -> Int {
    _ = unsafe receiver.pull(into: frame, at: now)
    guard silentSince == nil else { return 0 }
    if unsafe meter.hear(UnsafeBufferPointer(frame)), let reading = meter.reading {
      figures.note(reading, expected: tone.hertz)
    }
    let payload = tone.payloads[nextPayload]
    let header = RtpHeader(
      marker: statistics.packetCount == 0, payloadType: redPayloadType ?? payloadType,
      sequenceNumber: sequenceNumber, timestamp: timestamp, ssrc: ssrc)
    var writer = unsafe ByteWriter(into: output)
    header.write(to: &writer)
    if redPayloadType != nil { writeRedundancy(to: &writer) }
    unsafe writer.append(payload.span.bytes)
    statistics.note(
      timestamp: timestamp, payloadCount: writer.count - RtpHeader.plainByteCount, at: now)
    ledger.noteSent()
    nextPayload = (nextPayload + 1) % tone.payloads.count
    sequenceNumber &+= 1
    timestamp &+= UInt32(frameUnits)
    return writer.count
  }

  /// The packet before, if there was one, and what stands in front of the newest (RFC 2198).
  private func writeRedundancy(to writer: inout ByteWriter) {
    guard statistics.packetCount > 0 else { return writer.append(u8: payloadType) }
    let index = (nextPayload + tone.payloads.count - 1) % tone.payloads.count
    let earlier = tone.payloads[index]
    let sizes = UInt32(frameUnits) << 10 | UInt32(earlier.count)
    writer.append(u32: 1 << 31 | UInt32(payloadType) << 24 | sizes)
    writer.append(u8: payloadType)
    unsafe writer.append(earlier.span.bytes)
  }

  /// Writes a report (SR, SDES); its length.
  func writeReport(into output: UnsafeMutableRawBufferPointer, at now: Instant) -> Int {
    nextReport = now.advanced(byMilliseconds: Self.reportMilliseconds)
    var writer = unsafe ByteWriter(into: output)
    RtcpWriter.report(
      from: ssrc, info: statistics.report(at: now), block: receiver.reportBlock(at: now),
      name: name, to: &writer)
    return writer.count
  }

  /// Writes what is to be told of the packets that came; its length, 0 when there is nothing.
  func writeFeedback(into output: UnsafeMutableRawBufferPointer, at now: Instant) -> Int {
    nextFeedback = now.advanced(byMilliseconds: Self.feedbackMilliseconds)
    guard let source = receiver.source, let message = teller.message(from: ssrc, about: source.ssrc)
    else { return 0 }
    var writer = unsafe ByteWriter(into: output)
    unsafe writer.append(message.span.bytes)
    return writer.count
  }

  /// Writes the BYE that ends the call; its length.
  func writeGoodbye(into output: UnsafeMutableRawBufferPointer) -> Int {
    var writer = unsafe ByteWriter(into: output)
    RtcpWriter.goodbye(from: ssrc, name: name, to: &writer)
    return writer.count
  }
}

/// What a caller heard of its own tone.
package struct ToneFigures: Equatable, Sendable {
  /// Of the last window of 200 ms.
  package private(set) var last: ToneReading?
  /// Windows since the first one in which the tone was there.
  package private(set) var windows = 0
  /// Those of them with the right tone.
  package private(set) var rightWindows = 0

  mutating func note(_ reading: ToneReading, expected: Double) {
    let difference = reading.hertz - expected
    let isRight =
      difference.magnitude <= CallerMedia.toneToleranceHertz && reading.level > -60
    last = reading
    if isRight { rightWindows += 1 }
    if rightWindows > 0 { windows += 1 }
  }
}
