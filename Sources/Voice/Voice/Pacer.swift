/// Speech that waits for its turn to be played: what comes in at any pace goes out in real time.
///
/// A bounded queue of samples. A synthesiser is many times faster than speech and WebRTC plays on
/// arrival, so the difference has to wait somewhere, and must be droppable at once when the person
/// interrupts. Memory is taken once; the system backs it with pages only as far as it fills,
/// because an empty queue starts again from its beginning.
@safe package struct Pacer: ~Copyable {
  /// Of what is pushed and of what is pulled: nothing is converted.
  package let rate: PcmRate
  /// Samples that came in and were not refused or flushed: always played plus waiting.
  package private(set) var pushedSamples: UInt64 = 0
  /// Samples that went out. A caller that wants to know how much of an utterance was heard keeps
  /// `pushedSamples` from before it and compares.
  package private(set) var playedSamples: UInt64 = 0
  /// Samples that did not fit.
  package private(set) var refusedSamples: UInt64 = 0

  private let storage: UnsafeMutableBufferPointer<Int16>
  private var head = 0
  private var count = 0
  private var isFinished = true
  private var waits: UInt8 = 0

  /// A part of a frame waits this many frames for the rest before it is played with silence behind.
  private static let waitsMax: UInt8 = 1

  /// `capacityMilliseconds` of speech at most; more is refused.
  package init(rate: PcmRate, capacityMilliseconds: Int = 30_000) {
    self.rate = rate
    unsafe storage = .allocate(capacity: rate.sampleCount(milliseconds: capacityMilliseconds))
  }

  deinit {
    unsafe storage.deallocate()
  }

  /// Appends as much of `samples` as fits and returns how many did. Any length.
  @discardableResult
  package mutating func push(_ samples: UnsafeBufferPointer<Int16>) -> Int {
    let accepted = unsafe min(samples.count, storage.count - count)
    let tail = unsafe (head + count) % storage.count
    let first = unsafe min(accepted, storage.count - tail)
    if first > 0 {
      unsafe (storage.baseAddress! + tail).update(from: samples.baseAddress!, count: first)
    }
    if accepted > first {
      unsafe storage.baseAddress!.update(
        from: samples.baseAddress! + first, count: accepted - first)
    }
    count += accepted
    pushedSamples += UInt64(accepted)
    refusedSamples += UInt64(samples.count - accepted)
    if accepted > 0 { isFinished = false }
    return accepted
  }

  /// Says that the utterance is complete: a last part of a frame need not wait.
  package mutating func finish() {
    isFinished = true
  }

  /// Fills one frame; false when there is nothing to say (the frame is then all zeros).
  package mutating func pull(into frame: UnsafeMutableBufferPointer<Int16>) -> Bool {
    precondition(frame.count == rate.frameSampleCount, "not one frame")
    unsafe frame.update(repeating: 0)
    guard count > 0, !mustWait(frame.count) else { return false }
    waits = 0
    unsafe take(min(count, frame.count), into: frame.baseAddress!)
    return true
  }

  /// Drops what waits and returns how many milliseconds that was.
  @discardableResult
  package mutating func flush() -> UInt64 {
    let dropped = UInt64(count)
    pushedSamples -= dropped
    head = 0
    count = 0
    isFinished = true
    waits = 0
    return rate.milliseconds(samples: dropped)
  }

  /// Nothing waits.
  package var isEmpty: Bool { count == 0 }

  /// Milliseconds of speech that wait.
  package var queuedMilliseconds: UInt64 { rate.milliseconds(samples: UInt64(count)) }

  /// Milliseconds of speech that went out.
  package var playedMilliseconds: UInt64 { rate.milliseconds(samples: playedSamples) }

  /// A part of a frame may be the end of a chunk whose next one is on its way.
  private mutating func mustWait(_ frameCount: Int) -> Bool {
    guard count < frameCount, !isFinished, waits < Self.waitsMax else { return false }
    waits += 1
    return true
  }

  private mutating func take(_ taken: Int, into target: UnsafeMutablePointer<Int16>) {
    let first = unsafe min(taken, storage.count - head)
    unsafe target.update(from: storage.baseAddress! + head, count: first)
    if taken > first {
      unsafe (target + first).update(from: storage.baseAddress!, count: taken - first)
    }
    count -= taken
    head = unsafe count == 0 ? 0 : (head + taken) % storage.count
    playedSamples += UInt64(taken)
  }
}
