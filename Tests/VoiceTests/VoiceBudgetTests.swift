import CProbe
import Rtp
import Testing
import Wire

@testable import Voice

@Suite("Budget: a frame of voice costs no allocation", .serialized, .enabled(if: probe_is_alone()))
struct VoiceBudgetTests {
  @Test(arguments: [false, true])
  func `there and back, to a prompt receiver with redundant audio too`(isPrompt: Bool) {
    var call = OneCall(isPrompt: isPrompt)
    // The first time round the runtime makes the metadata of generic types, which it keeps.
    call.run(frames: 0..<100)
    probe_begin()
    call.run(frames: 100..<300)
    let counts = probe_end()
    #expect(call.voice > 250)
    #expect(call.path.receiver.counts.restoredPackets > 25 || !isPrompt)
    #expect(counts.mallocs == 0)
    #expect(counts.frees == 0)
    #expect(counts.retains == 0)
    #expect(counts.releases == 0)
    #expect(counts.objects == 0)
  }
}

/// A tone through pacer, sender, receiver and meter, in memory that is taken before.
@safe private struct OneCall: ~Copyable {
  var path: VoicePath
  var pacer = Pacer(rate: .hertz24000)
  var voice = 0
  let packet = UnsafeMutableRawBufferPointer.allocate(byteCount: 1_300, alignment: 16)
  let frame = UnsafeMutableBufferPointer<Int16>.allocate(capacity: 480)
  /// The packet before, and one that holds both.
  let earlier = UnsafeMutableRawBufferPointer.allocate(byteCount: 1_300, alignment: 16)
  let both = UnsafeMutableRawBufferPointer.allocate(byteCount: 2_600, alignment: 16)
  var earlierCount = 0
  var asked = 0

  init(isPrompt: Bool) {
    path = VoicePath(rate: .hertz24000, isPrompt: isPrompt)
    path.receiver = AudioReceiver(
      payloadTypes: [111], redPayloadTypes: [63], rate: .hertz24000, isPrompt: isPrompt,
      asksForResends: isPrompt)
  }

  deinit {
    unsafe packet.deallocate()
    unsafe earlier.deallocate()
    unsafe both.deallocate()
    unsafe frame.deallocate()
  }

  mutating func run(frames: Range<UInt64>) {
    var index = frames.lowerBound
    while index < frames.upperBound {
      step(index)
      index += 1
    }
  }

  private mutating func step(_ index: UInt64) {
    let now = Instant(nanoseconds: 1_000_000_000 + index * 20_000_000)
    unsafe path.tone.fill(frame)
    unsafe pacer.push(UnsafeBufferPointer(frame))
    _ = unsafe pacer.pull(into: frame)
    var budget = EncodingBudget.unlimited
    let count = unsafe path.sender.send(
      UnsafeBufferPointer(frame), into: packet, at: now, budget: &budget)
    // Each eleventh is lost.
    if count > 0, index % 11 != 10 {
      let isRed = path.receiver.isPrompt && earlierCount > 0
      let bytes =
        unsafe isRed
        ? RawSpan(_unsafeStart: both.baseAddress!, byteCount: makeRed(count))
        : RawSpan(_unsafeStart: packet.baseAddress!, byteCount: count)
      if case .packet(let header) = RtpHeader.parse(bytes) {
        _ = path.receiver.handle(bytes, header: header, at: now)
        if path.receiver.takeRequest(at: now) != nil { asked += 1 }
      }
    }
    unsafe earlier.copyMemory(from: UnsafeRawBufferPointer(rebasing: packet[..<count]))
    earlierCount = count
    hear(at: now)
    _ = unsafe path.meter.hear(UnsafeBufferPointer(frame))
    if index % 50 == 49 { _ = path.receiver.reportBlock(at: now) }
  }

  private mutating func hear(at now: Instant) {
    guard path.receiver.isPrompt else {
      if unsafe path.receiver.pull(into: frame, at: now) == .voice { voice += 1 }
      return
    }
    while let heard = unsafe path.receiver.pullReady(into: frame, at: now) {
      if heard == .voice { voice += 1 }
    }
    _ = unsafe path.receiver.pullSilence(into: frame, at: now)
  }

  /// Puts the payload of the packet before in front of this one's; the length.
  private func makeRed(_ count: Int) -> Int {
    unsafe both.copyMemory(from: UnsafeRawBufferPointer(rebasing: packet[..<12]))
    unsafe both[1] = 63
    let old = earlierCount - 12
    let word = 0x80 << 24 | UInt32(111) << 24 | 960 << 10 | UInt32(old)
    unsafe both.storeBytes(of: word.bigEndian, toByteOffset: 12, as: UInt32.self)
    unsafe both[16] = 111
    for place in 0..<old { unsafe both[17 + place] = earlier[12 + place] }
    for place in 12..<count { unsafe both[5 + old + place] = packet[place] }
    return 5 + count + old
  }
}
