import CPacketLoop
import CallClient
import Runtime
import Synchronization
import Wire

/// All calls of a load run and what they need of the packet loop; a socket or two for each call.
///
/// `post` and `fail` are for any thread, everything else is the loop's.
@safe final class LoadShard: LoopOwner, @unchecked Sendable {
  /// A call that the signalling has answered, on its way here; its sender lets go of it.
  struct AnsweredCall: @unchecked Sendable {
    let client: CallClient
    let answer: String
  }

  /// What a call that fell silent waits for the server's last report, which comes each second.
  private static let settlingMilliseconds: UInt64 = 2_500
  /// From the last call's begin to the first loss.
  private static let lossDelayMilliseconds: UInt64 = 3_000
  private static let receiveBytes: UInt32 = 1_600
  private static let socketBufferBytes: Int32 = 1 << 18
  private static let datagramBytes = 1_536
  private static let arenaDatagrams = 512

  private let callCount: Int
  private let speakMilliseconds: UInt64
  private let showsProgress: Bool
  private var loss: VoiceLoss
  /// Calls that have begun, whatever has become of them.
  private var begunCount = 0
  private let mail = Mutex<(calls: [AnsweredCall], failures: [String])>(([], []))
  private var calls: [LoadCall] = []
  /// Which call each of the loop's sockets belongs to.
  private var owners: [Int] = []
  /// Beside `calls`, to be searched quickly.
  private var deadlines: [Instant] = []
  private(set) var results: [LoadResult] = []
  private var nextProgress = Instant(nanoseconds: 0)
  /// Memory of datagrams that the loop has not sent yet.
  private let arena: UnsafeMutableRawBufferPointer
  private var arenaUsed = 0

  init(callCount: Int, seconds: Int, loss: VoiceLoss, showsProgress: Bool) {
    self.callCount = callCount
    self.loss = loss
    self.showsProgress = showsProgress
    speakMilliseconds = UInt64(seconds) * 1_000
    unsafe arena = .allocate(
      byteCount: Self.arenaDatagrams * Self.datagramBytes, alignment: 16)
  }

  deinit { unsafe arena.deallocate() }

  /// Hands an answered call over.
  func post(_ call: AnsweredCall) { mail.withLock { $0.calls.append(call) } }

  /// Counts a call that the signalling did not answer.
  func fail(_ reason: String) { mail.withLock { $0.failures.append(reason) } }

  // MARK: - The loop's thread

  func handle(
    _ datagrams: UnsafeBufferPointer<pl_datagram>, at now: Instant, through loop: OpaquePointer
  ) {
    arenaUsed = 0
    for index in datagrams.indices {
      let datagram = unsafe datagrams[index]
      let socket = unsafe Int(datagram.socket)
      guard socket < owners.count, unsafe datagram.truncated == 0 else { continue }
      let number = owners[socket]
      guard number < calls.count else { continue }
      let bytes = unsafe UnsafeMutableRawBufferPointer(
        start: datagram.bytes, count: Int(datagram.length))
      guard unsafe !loss.takes(UnsafeRawBufferPointer(bytes).bytes, at: now) else { continue }
      unsafe calls[number].client.handle(bytes, from: TransportAddress(datagram.peer), at: now)
      unsafe settle(number, at: now, through: loop)
    }
  }

  func turn(at now: Instant, through loop: OpaquePointer) -> Instant {
    arenaUsed = 0
    unsafe takeMail(at: now, through: loop)
    var earliest = Instant.never
    for number in calls.indices {
      if deadlines[number] <= now { unsafe runCall(number, at: now, through: loop) }
      earliest = min(earliest, deadlines[number])
    }
    if showsProgress && now >= nextProgress { printProgress(at: now) }
    if results.count == callCount { unsafe pl_loop_stop(loop) }
    return showsProgress ? min(earliest, nextProgress) : earliest
  }

  private func takeMail(at now: Instant, through loop: OpaquePointer) {
    let (answered, failures) = mail.withLock { waiting in
      defer { waiting = ([], []) }
      return waiting
    }
    results += failures.map { LoadResult(failure: $0, figures: CallClientFigures()) }
    for call in answered {
      do {
        try unsafe begin(call, at: now, through: loop)
      } catch {
        results.append(LoadResult(failure: error.description, figures: CallClientFigures()))
      }
    }
    begunCount += answered.count + failures.count
    if loss.begin == .never, begunCount == callCount {
      loss.begin = now.advanced(byMilliseconds: Self.lossDelayMilliseconds)
    }
  }

  private func begin(
    _ answered: AnsweredCall, at now: Instant, through loop: OpaquePointer
  ) throws(LoadFailure) {
    do {
      try answered.client.accept(answer: answered.answer, at: now)
    } catch {
      throw LoadFailure(error.description)
    }
    let sockets = try unsafe openSockets(towards: answered.client.serverAddresses, through: loop)
    calls.append(LoadCall(client: answered.client, sockets: sockets))
    deadlines.append(.never)
    unsafe settle(calls.count - 1, at: now, through: loop)
  }

  /// Sockets for the next call: all of the server's addresses are tried.
  private func openSockets(
    towards addresses: [TransportAddress], through loop: OpaquePointer
  ) throws(LoadFailure) -> LoadSockets {
    var sockets = LoadSockets()
    var failure = LoadFailure("the answer has no address")
    for isIPv4 in [true, false] where addresses.contains(where: { $0.isIPv4 == isIPv4 }) {
      do {
        let index = try unsafe openSocket(isIPv4: isIPv4, through: loop)
        if isIPv4 { sockets.ipv4 = index } else { sockets.ipv6 = index }
      } catch {
        // A machine may have no IPv6 at all; then the other addresses must do.
        failure = error
      }
    }
    guard sockets.ipv4 != nil || sockets.ipv6 != nil else { throw failure }
    return sockets
  }

  private func openSocket(
    isIPv4: Bool, through loop: OpaquePointer
  ) throws(LoadFailure) -> UInt16 {
    var options = pl_socket_options()
    options.local = pl_address(
      isIPv4 ? TransportAddress(ipv4: 0, port: 0) : TransportAddress(high: 0, low: 0, port: 0))
    options.buffer_bytes = Self.socketBufferBytes
    var error = pl_error()
    let descriptor = unsafe pl_socket_open(&options, nil, &error)
    guard descriptor >= 0 else { throw LoadFailure(error) }
    // The loop closes its sockets at its end; when it refuses one the run is over anyway.
    let index = unsafe pl_loop_add_socket(loop, descriptor, Self.receiveBytes, &error)
    guard index == Int32(owners.count) else { throw LoadFailure(error) }
    owners.append(calls.count)
    return UInt16(index)
  }

  private func runCall(_ number: Int, at now: Instant, through loop: OpaquePointer) {
    let client = calls[number].client
    if let silentAt = calls[number].silentAt, silentAt <= now { client.stopSpeaking(at: now) }
    if let hangUpAt = calls[number].hangUpAt, hangUpAt <= now || client.isSettled(at: now) {
      client.hangUp(at: now)
    } else {
      client.handleTimeout(at: now)
    }
    unsafe settle(number, at: now, through: loop)
  }

  /// Sends what a call has to say, and notes how it stands and when it wants to be called next.
  private func settle(_ number: Int, at now: Instant, through loop: OpaquePointer) {
    let client = calls[number].client
    calls[number].events.heed(client, at: now)
    unsafe drain(number, through: loop)
    switch client.state {
    case .offering, .connecting:
      deadlines[number] = client.deadline
    case .connected:
      let silentAt = calls[number].silentAt ?? now.advanced(byMilliseconds: speakMilliseconds)
      calls[number].silentAt = silentAt
      let hangUpAt = silentAt.advanced(byMilliseconds: Self.settlingMilliseconds)
      calls[number].hangUpAt = hangUpAt
      // Once it is silent it hears on each 20 ms, and is asked then whether it is settled.
      deadlines[number] = min(client.deadline, silentAt > now ? silentAt : hangUpAt)
    case .ended(let end):
      deadlines[number] = .never
      guard !calls[number].isCounted else { return }
      calls[number].isCounted = true
      results.append(result(of: calls[number], end))
    }
  }

  private func result(of call: LoadCall, _ end: CallClientEnd) -> LoadResult {
    let update = call.events.updateMicroseconds
    let isSilent = update == nil && !call.client.options.channels.isEmpty
    let failure = end == .neverConnected ? call.client.unconnectedReason : end.failure
    return LoadResult(
      failure: failure ?? (isSilent ? "session.updated did not come" : nil),
      figures: call.client.figures, updateMicroseconds: update,
      errorCodes: call.events.errorCodes,
      rightTenthsMin: loss.rightTenthsMin)
  }

  private func drain(_ number: Int, through loop: OpaquePointer) {
    let call = calls[number]
    while true {
      if unsafe arenaUsed + Self.datagramBytes > arena.count {
        unsafe pl_loop_flush(loop)
        arenaUsed = 0
      }
      let slot = unsafe UnsafeMutableRawBufferPointer(
        rebasing: arena[arenaUsed..<(arenaUsed + Self.datagramBytes)])
      guard let (length, target) = unsafe call.client.nextDatagram(into: slot) else { return }
      guard let socket = call.sockets.index(towards: target) else { continue }
      var address = pl_address(target)
      let bytes = unsafe slot.baseAddress!.assumingMemoryBound(to: UInt8.self)
      unsafe pl_loop_send(loop, socket, bytes, UInt32(length), &address)
      arenaUsed += Self.datagramBytes
    }
  }

  private func printProgress(at now: Instant) {
    nextProgress = now.advanced(byMilliseconds: 1_000)
    let speaking = calls.count { $0.client.state == .connected }
    LoadReport.printProgress(speaking: speaking, ended: results.count, of: callCount)
  }
}
