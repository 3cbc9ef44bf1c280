import CallClient
import Session
import Testing

/// What our answer says of the direction of audio is kept (RFC 8866, section 6.7).
@Suite struct DirectionTests {
  private static func call(sends: Bool, receives: Bool) throws -> CallPair {
    let call = try CallPair(change: {
      $0.sendsAudio = sends
      $0.receivesAudio = receives
    })
    call.run(3_000)
    return call
  }

  private static func mediaDown(_ call: CallPair) -> (rtp: Int, rtcp: Int) {
    let media = call.sent.filter { $0.way == .down && (128..<192).contains($0.bytes[0]) }
    let rtcp = media.count { (192..<224).contains($0.bytes[1]) }
    return (media.count - rtcp, rtcp)
  }

  @Test func whereWeDoNotSendNoRtpLeavesAndReportsGoOn() throws {
    let call = try Self.call(sends: false, receives: true)
    let (rtp, rtcp) = Self.mediaDown(call)
    #expect(call.isConnected)
    #expect(rtp == 0)
    #expect(rtcp >= 2)
    #expect(call.session.figures.rtpSent == 0)
    #expect(call.session.figures.rtpAccepted > 100)
    // What is heard is said, to nobody, and does not pile up.
    #expect(call.session.figures.pacerMilliseconds <= 40)
    call.hangUp()
    #expect(call.session.end == .hungUp)
  }

  @Test func whereWeDoNotReceiveWhatComesIsNotHeard() throws {
    let call = try Self.call(sends: true, receives: false)
    #expect(call.isConnected)
    #expect(Self.mediaDown(call).rtp > 0)
    #expect(call.session.figures.rtpAccepted == 0)
    #expect(call.session.figures.mediaRefused > 100)
    #expect(call.session.figures.rtcpAccepted > 0)
    #expect(call.client.figures.tone.rightWindows == 0)
  }

  @Test func inactiveIsNeither() throws {
    let call = try Self.call(sends: false, receives: false)
    #expect(call.isConnected)
    #expect(Self.mediaDown(call).rtp == 0)
    #expect(call.session.figures.rtpAccepted == 0)
  }

  /// Each line that the client sends on has a payload type of its own; the caller's is 111.
  @Test(
    arguments: [([96, 111], true), ([111, 111], true), ([96, 97], false)] as [([UInt8], Bool)])
  func thePayloadTypesOfAllLinesAreHeard(types: [UInt8], isHeard: Bool) throws {
    let call = try CallPair(change: { $0.heardPayloadTypes = types })
    call.run(3_000)
    #expect(call.session.figures.rtpAccepted > 100)
    #expect((call.client.figures.tone.rightWindows > 0) == isHeard)
  }

  @Test func bothWaysTheToneComesBack() throws {
    let call = try Self.call(sends: true, receives: true)
    #expect(Self.mediaDown(call).rtp > 100)
    #expect(call.client.figures.tone.rightWindows > 0)
  }
}
