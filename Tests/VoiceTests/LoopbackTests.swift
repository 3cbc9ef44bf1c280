import Rtp
import Testing
import Wire

@testable import Voice

/// A sender and a receiver on virtual time, with a network between them that a test describes.
struct VoicePath: ~Copyable {
  var sender: AudioSender
  var receiver: AudioReceiver
  var meter: ToneMeter
  var tone: ToneGenerator
  var readings: [ToneReading] = []
  var heard: [HeardFrame] = []
  var inFlight: [(arrival: UInt64, bytes: [UInt8])] = []
  /// Makes the tone swell and fade five times a second, with overtones.
  var syllables = false
  /// Makes 15 of each 75 frames 60 dB quieter, as between the phrases of a person.
  var phrases = false
  /// Frames that a prompt receiver gave at once with a packet's arrival.
  var heardAtOnce = 0
  var ledger = SoundLedger()
  /// How long an answer to a request takes to come, in milliseconds, by the number of answers so
  /// far; nil where it is lost, or nobody answers.
  var resend: (Int) -> UInt64? = { _ in nil }
  var resendCount = 0
  private var kept: [UInt16: [UInt8]] = [:]
  private var overtone: ToneGenerator
  private var frameCount = 0
  let rate: PcmRate
  var nextSend: UInt64 = 5_000_000_000
  var nextPull: UInt64 = 5_003_000_000

  init(
    rate: PcmRate = .hertz48000, hertz: Double = 440, level: Double = -12,
    sequence: UInt16 = 100, timestamp: UInt32 = 5_000, settings: OpusSettings = OpusSettings(),
    isPrompt: Bool = false, isShared: Bool = false, levelExtension: UInt8? = nil,
    names: SentNames = SentNames(ssrc: 7, payloadType: 111), asksForResends: Bool = false
  ) {
    self.rate = rate
    sender = AudioSender(
      names: names, rate: rate, firstSequenceNumber: sequence, firstTimestamp: timestamp,
      settings: settings)
    receiver = AudioReceiver(
      payloadTypes: [111], rate: rate, isPrompt: isPrompt, isShared: isShared,
      levelExtension: levelExtension, asksForResends: asksForResends)
    overtone = ToneGenerator(hertz: hertz * 2.5, level: level - 6, rate: rate)
    meter = ToneMeter(rate: rate)
    tone = ToneGenerator(hertz: hertz, level: level, rate: rate)
  }

  /// Runs until `seconds` more have been sent. `network` gets the number of the packet and its
  /// bytes, and returns the delays, in milliseconds, after which copies of it arrive; none is a
  /// loss.
  mutating func run(
    seconds: Double, clientPartsPerMillion: Double = 0, spurtFrames: Int = .max,
    isSilent: Bool = false,
    network: (Int, inout [UInt8]) -> [Double] = { _, _ in [30] }
  ) {
    let frames = Int(seconds * 50)
    let step = UInt64(20_000_000 * (1 + clientPartsPerMillion / 1_000_000))
    for index in 0..<frames {
      send(
        index: index, speaks: !isSilent && index / spurtFrames % 2 == 0,
        network: network)
      nextSend += step
      while nextPull < nextSend { pull() }
    }
  }

  private mutating func send(
    index: Int, speaks: Bool, network: (Int, inout [UInt8]) -> [Double]
  ) {
    let packet = makePacket(speaks: speaks)
    guard var packet else { return }
    defer { kept[UInt16(packet[2]) << 8 | UInt16(packet[3])] = packet }
    for delay in network(index, &packet) {
      inFlight.append((nextSend + UInt64(delay * 1_000_000), packet))
    }
  }

  mutating func makePacket(speaks: Bool) -> [UInt8]? {
    var packet = [UInt8](repeating: 0, count: 1_400)
    var pcm = [Int16](repeating: 0, count: rate.frameSampleCount)
    let now = Instant(nanoseconds: nextSend)
    unsafe pcm.withUnsafeMutableBufferPointer { unsafe tone.fill($0) }
    if syllables { shapeSyllables(&pcm) }
    if phrases, frameCount % 75 >= 60 { pcm = pcm.map { $0 / 1_000 } }
    frameCount += 1
    var budget = EncodingBudget.unlimited
    let count = unsafe packet.withUnsafeMutableBytes { bytes in
      unsafe pcm.withUnsafeBufferPointer { frame in
        unsafe sender.send(speaks ? frame : nil, into: bytes, at: now, budget: &budget)
      }
    }
    return count > 0 ? Array(packet[0..<count]) : nil
  }

  private mutating func shapeSyllables(_ pcm: inout [Int16]) {
    var high = [Int16](repeating: 0, count: pcm.count)
    unsafe high.withUnsafeMutableBufferPointer { unsafe overtone.fill($0) }
    let loudness = [0, 20, 60, 100, 100, 90, 60, 30, 10, 0][frameCount % 10]
    for index in pcm.indices {
      pcm[index] = Int16((Int(pcm[index]) + Int(high[index])) * loudness / 100)
    }
  }

  mutating func pull() {
    inFlight.sort { $0.arrival < $1.arrival }
    while let first = inFlight.first, first.arrival <= nextPull {
      _ = deliver(first.bytes, at: Instant(nanoseconds: first.arrival))
      inFlight.removeFirst()
      request(at: first.arrival)
      guard receiver.isPrompt else { continue }
      heardAtOnce += hearInOrder(at: Instant(nanoseconds: first.arrival))
      ledger.check(debtMilliseconds: receiver.debtMilliseconds)
    }
    let now = Instant(nanoseconds: nextPull)
    request(at: nextPull)
    if receiver.isPrompt {
      _ = hearInOrder(at: now)
      unsafe hear { unsafe $0.pullSilence(into: $1, at: now) }
      ledger.check(debtMilliseconds: receiver.debtMilliseconds)
    } else {
      unsafe hear { unsafe $0.pull(into: $1, at: now) }
    }
    nextPull += 20_000_000
  }

  /// Asks for what is missing.
  private mutating func request(at now: UInt64) {
    let request = receiver.takeRequest(at: Instant(nanoseconds: now))
    guard let request = request?.request else { return }
    for index in 0..<request.entryCount {
      let (first, following) = request.entry(index)
      for step in 0...16 where step == 0 || following >> (step - 1) & 1 == 1 {
        resendCount += 1
        guard let packet = kept[first &+ UInt16(step)], let delay = resend(resendCount) else {
          continue
        }
        inFlight.append((now + delay * 1_000_000, packet))
      }
    }
    inFlight.sort { $0.arrival < $1.arrival }
  }

  private mutating func hearInOrder(at now: Instant) -> Int {
    let before = heard.count
    while unsafe hear({ unsafe $0.pullReady(into: $1, at: now) }) {}
    return heard.count - before
  }

  /// Measures a frame, if the receiver gives one.
  @discardableResult
  private mutating func hear(
    _ pull: (inout AudioReceiver, UnsafeMutableBufferPointer<Int16>) -> HeardFrame?
  ) -> Bool {
    var frame = [Int16](repeating: 0, count: rate.frameSampleCount)
    return unsafe frame.withUnsafeMutableBufferPointer { buffer in
      guard let what = unsafe pull(&receiver, buffer) else { return false }
      heard.append(what)
      ledger.noteGiven()
      if unsafe meter.hear(UnsafeBufferPointer(buffer)) { readings.append(meter.reading!) }
      return true
    }
  }

  mutating func deliver(_ bytes: [UInt8], at now: Instant) -> AudioVerdict? {
    guard case .packet(let header) = unsafe RtpHeader.parse(bytes.span.bytes) else { return nil }
    ledger.noteArrived(timestamp: header.timestamp)
    return unsafe receiver.handle(bytes.span.bytes, header: header, at: now)
  }

  /// How far behind the quickest packets the sound is that is heard now.
  var delayMilliseconds: Int { receiver.delayMilliseconds(at: Instant(nanoseconds: nextPull)) }

  /// Readings without the first `skip` windows, as the stream starts.
  func settled(skip: Int = 2) -> ArraySlice<ToneReading> { readings.dropFirst(skip) }
}

@Suite struct LoopbackTests {
  @Test(arguments: PcmRate.allCases)
  func `a tone comes through at its frequency and level`(rate: PcmRate) {
    var path = VoicePath(rate: rate)
    path.run(seconds: 5)
    #expect(path.settled().count > 15)
    for reading in path.settled() {
      #expect(abs(reading.hertz - 440) < 1, "\(reading)")
      #expect(abs(reading.level + 12) < 1, "\(reading)")
    }
  }
}
