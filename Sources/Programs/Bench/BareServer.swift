import CTraffic
import Glibc
import Runtime
import Settings
import Synchronization

/// The bare sum, run: a server that does for each frame what libopus and libsrtp2 have to do and
/// makes the system calls that this needs, and nothing else. It knows its clients beforehand and
/// each has one datagram in a frame.
@safe final class BareServer: @unchecked Sendable {
  // @unchecked: `run` alone touches the figures until its thread is joined.
  private let work: BareWork
  private let line: OpaquePointer
  private let kind: BareKind
  private let isOver = Atomic<Bool>(false)
  private var frames = 0
  private var failures = 0
  /// Frames that were timed step by step, and the nanoseconds of each step.
  private var timedFrames = 0
  private var spent = [UInt64](repeating: 0, count: BareWork.Step.allCases.count)
  /// The frames and the CPU time after the last batch, and where the measurement began.
  private var last: (frames: Int, cpu: UInt64) = (0, 0)
  private var first: (frames: Int, cpu: UInt64)?

  /// One frame in so many is timed, so that reading the clock costs next to nothing.
  private static let timedShare = 8
  private static let roundNanoseconds: UInt64 = 20_000_000
  /// Encoders and decoders need some frames to settle.
  private static let settlingRounds = 15
  private static let waitMilliseconds: UInt32 = 50

  private init(_ work: BareWork, _ kind: BareKind) throws(BenchFailure) {
    guard let line = unsafe ct_line_open() else {
      throw BenchFailure("no sockets for a bare server: \(systemErrorText(errno))")
    }
    unsafe self.line = line
    self.work = work
    self.kind = kind
  }

  deinit { unsafe ct_line_close(line) }

  /// Runs a bare server on the last CPU, with a client on the others, whose calls speak at all
  /// phases of the 20 ms.
  static func cost(
    calls: Int, seconds: Double, _ kind: BareKind
  ) throws(BenchFailure) -> BareCost {
    let server = try BareServer(BareWork(calls: calls, kind.cryptography), kind)
    let cpus = Processors.all()
    let thread = HostThread {
      Processors.bind([cpus[cpus.count - 1]])
      server.run()
    }
    if cpus.count > 1 { Processors.bind(cpus.dropLast()) }
    let rounds = settlingRounds + Int(seconds * 1e9 / Double(roundNanoseconds))
    var failure: BenchFailure?
    do throws(BenchFailure) { try server.speak(rounds: rounds) } catch { failure = error }
    server.isOver.store(true, ordering: .releasing)
    thread.join()
    Processors.bind(cpus)
    if let failure { throw failure }
    return try server.figures(expected: rounds * calls)
  }

  private func figures(expected: Int) throws(BenchFailure) -> BareCost {
    guard let first, last.frames > first.frames, timedFrames > 0, failures == 0,
      last.frames >= expected * 9 / 10
    else {
      throw BenchFailure(
        "a bare server answered \(last.frames) of \(expected) frames, \(failures) not at all")
    }
    let clock = Self.clockNanoseconds()
    let steps = spent.map { max(0, Double($0) / Double(timedFrames) - clock) }
    let libraries = LibraryCost(
      decode: steps[1], encode: steps[2], unprotect: steps[0], protect: steps[3])
    let readings = Double(spent.count + 1) / Double(Self.timedShare)
    let total =
      Double(last.cpu - first.cpu) / Double(last.frames - first.frames) - readings * clock
    return BareCost(
      libraries: libraries, system: max(0, total - libraries.opus - libraries.srtp))
  }

  // MARK: - The client

  private func speak(rounds: Int) throws(BenchFailure) {
    let start = monotonicNanoseconds() + Self.roundNanoseconds
    let count = UInt64(work.callCount)
    for number in 0..<UInt64(rounds) * count {
      ct_line_rest(start + number * Self.roundNanoseconds / count)
      try unsafe withUnsafeTemporaryAllocation(byteCount: 1_500, alignment: 16) {
        packet throws(BenchFailure) in
        let length = unsafe try work.makePacket(Int(number % count), into: packet)
        guard unsafe ct_line_offer(line, packet.baseAddress, UInt32(length)) else {
          throw BenchFailure("a bare server's client cannot send: \(systemErrorText(errno))")
        }
      }
      if number % 16 == 0 { _ = unsafe ct_line_collect(line) }
    }
  }

  // MARK: - The server

  private func run() {
    var isLastTurn = false
    while !isLastTurn {
      // What the client sent before it was over is here by then.
      isLastTurn = isOver.load(ordering: .acquiring)
      wait()
      var isDry = false
      while !isDry {
        let count = unsafe ct_line_receive(line)
        answer(count)
        note()
        isDry = count < 64
      }
    }
  }

  /// Marks where the measurement begins, and how far it has come.
  private func note() {
    guard frames > last.frames else { return }
    last = (frames, Self.cpuNanoseconds())
    guard first == nil, frames >= Self.settlingRounds * work.callCount else { return }
    first = last
    timedFrames = 0
    for step in spent.indices { spent[step] = 0 }
  }

  private func wait() {
    guard kind.waitsForRounds else { return unsafe ct_line_wait(line, Self.waitMilliseconds) }
    let round = monotonicNanoseconds() / Self.roundNanoseconds + 1
    ct_line_rest(round * Self.roundNanoseconds)
  }

  private func answer(_ count: UInt32) {
    guard count > 0, let packets = unsafe ct_line_packets(line) else { return }
    for index in 0..<Int(count) {
      let bytes = unsafe UnsafeMutableRawBufferPointer(
        start: packets[index].bytes, count: 2_048)
      var length = unsafe Int(packets[index].length)
      if unsafe !answer(bytes, length: &length) { failures += 1 }
      unsafe packets[index].length = UInt32(length)
    }
    if unsafe !ct_line_answer(line, count) { failures += 1 }
  }

  private func answer(
    _ packet: UnsafeMutableRawBufferPointer, length: inout Int
  ) -> Bool {
    guard let number = unsafe work.call(of: packet, length: length) else { return false }
    frames += 1
    let isTimed = frames % Self.timedShare == 0
    var isGood = true
    var before = isTimed ? Self.cpuNanoseconds() : 0
    for step in BareWork.Step.allCases {
      isGood = unsafe work.take(step, number, packet, length: &length) && isGood
      guard isTimed else { continue }
      let now = Self.cpuNanoseconds()
      spent[step.rawValue] += now - before
      before = now
    }
    if isTimed { timedFrames += 1 }
    return isGood
  }

  /// What a reading of the clock takes.
  private static func clockNanoseconds() -> Double {
    let count = 10_000
    let start = cpuNanoseconds()
    for _ in 0..<count { _ = cpuNanoseconds() }
    return Double(cpuNanoseconds() - start) / Double(count)
  }

  /// Of this thread.
  private static func cpuNanoseconds() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
