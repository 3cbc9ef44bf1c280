import CallClient
import Dtls
import Sctp
import Session
import Testing
import Wire

/// A real endpoint whose OpenSSL dies when a test says so.
private final class MortalDtls: DtlsEndpoint {
  private let real: OpenSslDtls
  var isDead = false

  init(_ real: OpenSslDtls) { self.real = real }

  var state: DtlsState { isDead && real.state == .connected ? .associationLost : real.state }
  var lastError: String { isDead ? "the association failed: bad length" : real.lastError }
  var deadline: Instant { real.deadline }
  var srtpKeys: DtlsSrtpKeys? { real.srtpKeys }
  var counters: DtlsCounters { real.counters }
  func start(at now: Instant) { real.start(at: now) }
  func handle(_ datagram: UnsafeRawBufferPointer, at now: Instant) {
    if !isDead { unsafe real.handle(datagram, at: now) }
  }
  func handleTimeout(at now: Instant) { real.handleTimeout(at: now) }
  func noteProtectedPacket() { real.noteProtectedPacket() }
  func nextDatagram(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    unsafe real.nextDatagram(into: buffer)
  }
  func nextApplicationData(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    unsafe isDead ? nil : real.nextApplicationData(into: buffer)
  }
  func send(_ bytes: UnsafeRawBufferPointer) -> Bool { unsafe !isDead && real.send(bytes) }
  func close() { real.close() }
}

@Suite("DTLS that is forged or dies in a call")
struct DtlsLossTests {
  private static let short: [UInt8] = [
    0x15, 0xFE, 0xFD, 0, 1, 2, 0, 0, 0, 0, 0, 0, 2, 2, 0x28,
  ]

  private func voiceGoesOn(_ call: CallPair) -> Bool {
    let before = call.client.figures.tone
    call.run(2_000)
    let after = call.client.figures.tone
    return call.session.end == nil && after.rightWindows >= before.rightWindows + 9
  }

  @Test(
    "forged protected records are counted, told of once, and end no call",
    arguments: [CallClientOptions.Setup.actpass, .active])
  func forged(setup: CallClientOptions.Setup) throws {
    let call = try CallPair(setup: setup, channels: [CallerChannelOptions(label: "oai-events")])
    call.run(2_000)
    try #require(call.isConnected)
    for number in 0..<200 as Range<UInt8> {
      var record = Self.short
      record[10] = number
      #expect(call.inject(record) == .accepted)
    }
    #expect(voiceGoesOn(call))
    #expect(call.session.figures.dtlsForged == 200)
    let told = call.events.filter { if case .recordForged = $0 { true } else { false } }
    #expect(told.count == 1)
    #expect(call.session.figures.channels?.association?.channels == 1)
  }

  @Test("when OpenSSL dies the channels are lost, which is told and counted; the voice goes on")
  func dead() throws {
    var mortal: MortalDtls?
    let call = try CallPair(
      channels: [CallerChannelOptions(label: "oai-events")],
      dtls: { dtls in
        let made = MortalDtls(dtls)
        mortal = made
        return made
      })
    call.run(2_000)
    try #require(call.isConnected)
    try #require(mortal).isDead = true
    // It is noticed with the next datagram.
    call.inject(Self.short)
    call.run(100)
    let lost = call.events.compactMap {
      if case .channelsLost(let why, _) = $0 { why } else { nil }
    }
    #expect(lost == ["DTLS gave up: the association failed: bad length"])
    #expect(call.session.figures.dtlsAssociationsLost == 1)
    #expect(call.session.figures.channels?.association?.channels == 0)
    #expect(voiceGoesOn(call))
    call.hangUp()
    #expect(call.session.end == .hungUp)
  }
}
