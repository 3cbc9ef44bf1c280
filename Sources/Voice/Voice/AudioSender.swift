package import Rtp
package import Wire

/// How an `AudioSender` names what it sends; agreed on once, in the answer.
package struct SentNames: Hashable, Sendable {
  /// One for Opus and for redundancy alike; the answer names it (`a=ssrc`).
  package var ssrc: UInt32
  /// Of Opus.
  package var payloadType: UInt8
  /// Of packets that repeat the one before (RFC 2198); nil where the client takes none.
  package var redPayloadType: UInt8?
  /// The ID (1...14) of the header extension with transport-wide numbers; nil without.
  package var transportExtension: UInt8?

  /// Checks nothing: sending traps for a payload type above 127, or an ID that is not 1...14.
  package init(
    ssrc: UInt32, payloadType: UInt8, redPayloadType: UInt8? = nil,
    transportExtension: UInt8? = nil
  ) {
    self.ssrc = ssrc
    self.payloadType = payloadType
    self.redPayloadType = redPayloadType
    self.transportExtension = transportExtension
  }

  /// Bytes of a packet beside what it carries, with the longest tag of SRTP and an IPv4 header.
  var overheadByteCount: Int {
    headerByteCount + 16 + 28
  }

  var headerByteCount: Int {
    RtpHeader.plainByteCount + (transportExtension == nil ? 0 : RtpHeader.transportNumberByteCount)
  }
}

/// Turns frames of PCM into RTP packets of Opus (RFC 7587), one call each 20 ms.
///
/// How, an `EncoderControl` says, packet by packet. Silence is not sent: after 0.3 s in which
/// nothing was to be heard one small packet each 400 ms keeps the stream alive, while the
/// timestamps go on. What is silence is decided here, by the level, and not by libopus, whose own
/// detector takes a steady tone or music on hold for noise and stops it. The marker is set only on
/// the first packet of a talk spurt, because Chrome empties its jitter buffer at each one.
@safe package struct AudioSender: ~Copyable {
  /// For the whole call: a client learns them once.
  package let names: SentNames
  /// What is known of the network, and how the encoder follows it.
  package var control: EncoderControl
  /// For the sender reports about this stream.
  package private(set) var statistics = SenderStatistics(clockRate: 48_000)
  /// How the last packet was made.
  package private(set) var plan = EncodingPlan()

  private var encoder: OpusEncoder
  private var copy: PacketCopy?
  /// Up to three frames of one packet; what is not filled is silence.
  private let sound: UnsafeMutableBufferPointer<Int16>
  private var frameCount = 0
  private var hasSpeech = false
  private var sequenceNumber: UInt16
  /// Of the frame that comes next.
  private var timestamp: UInt32
  private var silentFrames = 0
  /// Of those, frames of which nothing, or a sign of life, was sent.
  private var pausedFrames = 0
  private var isInSpurt = false
  private var contents: UInt8 = 0
  private let usesDiscontinuousTransmission: Bool
  private let packetByteCountMax: Int

  /// So many frames of silence are still encoded, so that the last sound can fade out.
  private static let silentFramesEncoded = 15
  /// Of those that follow one in so many is sent: the first, which tells the receiver that a pause
  /// begins, and then a sign of life each 400 ms.
  private static let silentFramesPerPacket = 20

  /// The first numbers are random, chosen by whoever owns randomness (RFC 3550, section 5.1).
  package init(
    names: SentNames, rate: PcmRate, firstSequenceNumber: UInt16, firstTimestamp: UInt32,
    settings: OpusSettings = OpusSettings()
  ) {
    self.names = names
    sequenceNumber = firstSequenceNumber
    timestamp = firstTimestamp
    usesDiscontinuousTransmission = settings.usesDiscontinuousTransmission
    packetByteCountMax = Self.packetByteCountMax(settings)
    encoder = OpusEncoder(rate: rate)
    copy = names.redPayloadType == nil ? nil : PacketCopy()
    control = EncoderControl(
      settings, takesCopies: names.redPayloadType != nil,
      wantsFeedback: names.transportExtension != nil,
      overheadByteCount: names.overheadByteCount)
    unsafe sound = .allocate(capacity: 3 * rate.frameSampleCount)
    unsafe sound.initialize(repeating: 0)
  }

  deinit {
    unsafe sound.deallocate()
  }

  /// The number of the packet that will be sent next.
  package var nextSequenceNumber: UInt16 { sequenceNumber }

  /// The longest RTP packet that this sender makes with `settings`, in bytes; SRTP adds its tag.
  package static func packetByteCountMax(_ settings: OpusSettings) -> Int {
    let single = payloadByteCountMax(bitsPerSecond: settings.bitsPerSecondInRows, milliseconds: 20)
    let long = payloadByteCountMax(bitsPerSecond: 32_000, milliseconds: 60)
    let half = payloadByteCountMax(bitsPerSecond: settings.bitsPerSecond, milliseconds: 20)
    let double = min(PacketCopy.headByteCount + 2 * half, copiedByteCountMax)
    return RtpHeader.plainByteCount + RtpHeader.transportNumberByteCount
      + max(single, long, double)
  }

  /// A packet with a copy shall pass everywhere.
  private static let copiedByteCountMax = 1_100

  /// Twice the mean is enough for libopus's variable rate.
  private static func payloadByteCountMax(bitsPerSecond: Int32, milliseconds: Int) -> Int {
    min(2 * Int(bitsPerSecond) * milliseconds / 8_000 + 40, 1_275)
  }

  /// Takes the frame that is due at `now`, nil for silence, and writes an RTP packet into `output`;
  /// returns its length, 0 when nothing is to be sent yet. `output` needs `packetByteCountMax`, and
  /// room for whatever SRTP appends afterwards.
  package mutating func send(
    _ frame: UnsafeBufferPointer<Int16>?, into output: UnsafeMutableRawBufferPointer,
    at now: Instant, budget: inout EncodingBudget
  ) -> Int {
    defer { timestamp &+= UInt32(frameUnits) }
    let loudness = unsafe frame.map { unsafe NearSilence.loudness($0) } ?? .inaudible
    silentFrames = loudness == .inaudible ? silentFrames + 1 : 0
    if isPausing, frameCount == 0 { return unsafe sendPause(into: output, at: now) }
    pausedFrames = 0
    if frameCount == 0 {
      plan = control.plan(at: now, isPause: loudness != .sound, budget: &budget)
      // The first packet of a call is of silence mostly, and shall not be late.
      if loudness == .inaudible, control.isBeginning { plan.packetMilliseconds = 20 }
      hasSpeech = false
    }
    hasSpeech = hasSpeech || loudness != .inaudible
    unsafe collect(frame)
    guard frameCount >= plan.frameCount else { return 0 }
    if plan.coder == .silk { budget.noteSilk(frames: frameCount) }
    return unsafe sendSound(into: output, at: now)
  }

  private var isPausing: Bool {
    usesDiscontinuousTransmission && silentFrames > Self.silentFramesEncoded
  }

  private mutating func collect(_ frame: UnsafeBufferPointer<Int16>?) {
    let count = encoder.rate.frameSampleCount
    let place = unsafe UnsafeMutableBufferPointer(
      rebasing: sound[frameCount * count..<(frameCount + 1) * count])
    if let frame = unsafe frame {
      unsafe place.baseAddress!.update(from: frame.baseAddress!, count: count)
    } else {
      unsafe place.update(repeating: 0)
    }
    frameCount += 1
  }

  /// A table of contents with a frame of no bytes (RFC 6716, section 3.2.1), when one is due.
  private mutating func sendPause(
    into output: UnsafeMutableRawBufferPointer, at now: Instant
  ) -> Int {
    defer { pausedFrames += 1 }
    guard pausedFrames % Self.silentFramesPerPacket == 0 else { return 0 }
    isInSpurt = false
    copy?.forget()
    var writer = unsafe ByteWriter(into: output)
    writeHeader(names.payloadType, marker: false, timestamp, to: &writer)
    writer.append(u8: contents & 0xFC)
    return finish(writer.count, payloadCount: 1, at: now)
  }

  private mutating func sendSound(
    into output: UnsafeMutableRawBufferPointer, at now: Instant
  ) -> Int {
    let start = timestamp &- UInt32(frameUnits) * UInt32(frameCount - 1)
    let count = frameCount * encoder.rate.frameSampleCount
    frameCount = 0
    encoder.follow(plan)
    var writer = unsafe ByteWriter(into: output)
    let head = copyByteCount(before: start)
    let marker = hasSpeech && !isInSpurt
    isInSpurt = isInSpurt || hasSpeech
    if head > 0, let red = names.redPayloadType {
      writeHeader(red, marker: marker, start, to: &writer)
      copy?.write(before: start, payloadType: names.payloadType, to: &writer)
    } else {
      writeHeader(names.payloadType, marker: marker, start, to: &writer)
    }
    let room = min(
      output.count - writer.count,
      Self.payloadByteCountMax(
        bitsPerSecond: plan.bitsPerSecond, milliseconds: plan.packetMilliseconds))
    let payload = unsafe UnsafeMutableRawBufferPointer(
      rebasing: output[writer.count..<writer.count + room])
    let used = unsafe encoder.encode(
      UnsafeBufferPointer(rebasing: sound[..<count]), into: payload)
    contents = unsafe payload[0]
    unsafe copy?.keep(UnsafeRawBufferPointer(rebasing: payload[..<used]), timestamp: start)
    return finish(writer.count + used, payloadCount: head + used, at: now)
  }

  /// Bytes of the copy and its headers; 0 without one. The copy may be of a time with more bits:
  /// one that does not fit beside the longest that the packet itself may be is left out.
  private func copyByteCount(before start: UInt32) -> Int {
    guard plan.carriesCopy, let head = copy?.headByteCount(before: start) else { return 0 }
    let payload = Self.payloadByteCountMax(
      bitsPerSecond: plan.bitsPerSecond, milliseconds: plan.packetMilliseconds)
    return names.headerByteCount + head + payload <= packetByteCountMax ? head : 0
  }

  private mutating func finish(
    _ byteCount: Int, payloadCount: Int, at now: Instant
  ) -> Int {
    // The moment is that of the last frame, also where a packet holds several.
    statistics.note(timestamp: timestamp, payloadCount: payloadCount, at: now)
    let overhead = names.overheadByteCount - names.headerByteCount
    control.noteSent(
      sequenceNumber: sequenceNumber, byteCount: byteCount + overhead, at: now)
    sequenceNumber &+= 1
    return byteCount
  }

  private func writeHeader(
    _ payloadType: UInt8, marker: Bool, _ timestamp: UInt32, to writer: inout ByteWriter
  ) {
    let header = RtpHeader(
      marker: marker, payloadType: payloadType, sequenceNumber: sequenceNumber,
      timestamp: timestamp, ssrc: names.ssrc)
    if let id = names.transportExtension {
      header.write(transportNumber: control.nextTransportNumber, id: id, to: &writer)
    } else {
      header.write(to: &writer)
    }
  }
}
