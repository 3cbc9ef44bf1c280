import CallClient
import RelayCore
import Session
import Signalling
import Testing
import TransceiverCore
import Wire

/// A caller, a relay worker, a shard and a scripted service on one virtual clock, in one thread.
@Suite struct WholeCallTests {
  @Test func aServiceSaysWhatItHears() throws {
    let call = try WholeCall()
    call.run(milliseconds: 5_000)
    let figures = call.caller.figures
    #expect(call.caller.state == .connected)
    #expect(figures.packetsReceived >= 200 && figures.packetsLost == 0)
    #expect(figures.tone.rightWindows >= 18)
    #expect(call.relay.routeCount == 1)

    call.shard.take(.hangUp(call.plan.callID), at: call.now)
    call.run(milliseconds: 50)
    #expect(call.ends == [.hungUp])
    #expect(call.shard.callCount == 0 && call.relay.routeCount == 0)
  }
}
