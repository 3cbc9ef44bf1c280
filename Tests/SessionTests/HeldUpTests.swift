import Testing
import Wire

/// A session whose thread is held up drops ticks of its clock, and none of the client's sound.
@Suite struct HeldUpTests {
  private static func call() throws -> (call: CallPair, listener: Listener) {
    let listener = Listener()
    let call = try CallPair(answering: listener, network: { _ in [20] })
    call.run(2_000)
    #expect(call.isConnected)
    return (call, listener)
  }

  /// All frames that were handed on.
  private func count(_ listener: Listener) -> Int { listener.frames.values.reduce(0, +) }

  /// A machine that wakes it every 150 ms only, when ticks are dropped each time.
  @Test func whoWakesTooSeldomDoesNotFallBehind() throws {
    let (call, listener) = try Self.call()
    let before = count(listener)
    for _ in 0..<200 {
      call.sessionWakes = call.now.advanced(byMilliseconds: 150)
      call.run(150)
    }
    // Thirty seconds of sound: what waits of it at the end is less than a tenth of a second.
    #expect(count(listener) - before > 1_495)
  }
}
