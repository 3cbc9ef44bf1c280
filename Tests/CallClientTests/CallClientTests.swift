import CallClient
import Dtls
import Testing
import Voice
import Wire

/// A caller and an `EchoServer` on a virtual clock with 5 ms each way.
final class Call {
  let client: CallClient
  let server: EchoServer
  var now = Instant(nanoseconds: 1_000_000_000)
  /// Whether the n-th datagram of the call passes.
  var passes: (Int) -> Bool = { _ in true }
  private var count = 0
  private var inFlight: [(at: Instant, toServer: Bool, bytes: [UInt8])] = []

  init(hertz: Int, options: CallClientOptions = CallClientOptions()) throws {
    var random = SeededRandom(seed: 5)
    client = CallClient(
      tone: EncodedTone(hertz: hertz), identity: try DtlsIdentity.generate(), options: options,
      random: &random)
    server = try EchoServer(offer: client.offer, at: now)
    try client.accept(answer: server.answer, at: now)
    collect()
  }

  func run(milliseconds: UInt64) {
    let end = now.advanced(byMilliseconds: milliseconds)
    for _ in 0..<100_000 {
      let next = min(inFlight.first?.at ?? .never, min(client.deadline, server.deadline))
      guard next <= end else { break }
      now = max(now, next)
      if let first = inFlight.first, first.at <= now { deliver(inFlight.removeFirst()) }
      if client.deadline <= now { client.handleTimeout(at: now) }
      if server.deadline <= now { server.handleTimeout(at: now) }
      collect()
    }
    #expect(client.deadline > now && server.deadline > now, "a deadline does not move")
    now = end
  }

  private func deliver(_ datagram: (at: Instant, toServer: Bool, bytes: [UInt8])) {
    if datagram.toServer { return server.handle(datagram.bytes, at: now) }
    var bytes = datagram.bytes
    unsafe bytes.withUnsafeMutableBytes {
      unsafe client.handle($0, from: server.address, at: now)
    }
  }

  func collect() {
    var buffer = [UInt8](repeating: 0, count: 1536)
    while let (length, _) = unsafe buffer.withUnsafeMutableBytes({
      unsafe client.nextDatagram(into: $0)
    }) {
      post(Array(buffer[..<length]), toServer: true)
    }
    for bytes in server.takeOutput() { post(bytes, toServer: false) }
  }

  private func post(_ bytes: [UInt8], toServer: Bool) {
    if passes(count) { inFlight.append((now.advanced(byMilliseconds: 5), toServer, bytes)) }
    count += 1
  }
}

@Suite struct CallClientTests {
  /// Loads of 200 calls tell their tones apart: the lowest, its neighbour, the highest.
  @Test(arguments: [300, 310, 2_290]) func tonesAreToldApart(hertz: Int) throws {
    let call = try Call(hertz: hertz)
    call.run(milliseconds: 5_000)
    let tone = call.client.figures.tone
    #expect(tone.windows >= 20)
    #expect(tone.rightWindows == tone.windows)
    #expect((try #require(tone.last).hertz - Double(hertz)).magnitude < 1)
  }

  @Test(arguments: [CallClientOptions.Setup.actpass, .active, .passive])
  func hearsItsOwnToneComeBack(setup: CallClientOptions.Setup) throws {
    var options = CallClientOptions()
    options.setup = setup
    let call = try Call(hertz: 450, options: options)
    call.run(milliseconds: 5_000)
    let figures = call.client.figures
    #expect(call.client.state == .connected)
    #expect(figures.iceMilliseconds == 10)
    let connect = try #require(figures.connectMilliseconds)
    #expect(connect <= 40)
    #expect(figures.packetsLost == 0)
    #expect(figures.packetsSent >= 240)
    #expect(figures.packetsReceived >= figures.packetsSent - 2)
    #expect(figures.tone.windows >= 20)
    #expect(figures.tone.rightWindows == figures.tone.windows)
    let tone = try #require(figures.tone.last)
    #expect((tone.hertz - 450).magnitude < 1)
    #expect((tone.level + 12).magnitude < 1.5)
    #expect(figures.srtpProfile == "AEAD_AES_128_GCM")

    call.client.hangUp(at: call.now)
    call.collect()
    call.run(milliseconds: 100)
    #expect(call.client.state == .ended(.hungUp))
    #expect(call.server.sawGoodbye)
    #expect(call.server.dtls.state == .closed)
  }

  @Test func anyOneLostDatagramOfTheSetUpCostsLessThan150Milliseconds() throws {
    let whole = try Call(hertz: 450)
    whole.run(milliseconds: 1_000)
    let usual = try #require(whole.client.figures.connectMilliseconds)
    for lost in 0..<12 {
      let call = try Call(hertz: 450)
      call.passes = { $0 != lost }
      call.run(milliseconds: 1_000)
      let connect = call.client.figures.connectMilliseconds ?? .max
      #expect(connect < usual + 150, "lost \(lost)")
    }
  }

  @Test func silenceIsNoTone() throws {
    let call = try Call(hertz: 450)
    call.server.echoes = false
    call.run(milliseconds: 3_000)
    #expect(call.client.state == .connected)
    #expect(call.client.figures.tone.rightWindows == 0)
    #expect(call.client.figures.packetsReceived == 0)
  }

  @Test func anAnswerThatLacksSomethingSaysWhat() throws {
    let call = try Call(hertz: 450)
    let without = call.server.answer.split(separator: "\r\n")
      .filter { !$0.hasPrefix("a=candidate") }.joined(separator: "\r\n")
    #expect(throws: CallClientError(description: "the SDP answer has no UDP candidate")) {
      try AnswerDescription.parse(without)
    }
    #expect(throws: CallClientError.self) { try AnswerDescription.parse("") }
  }

  /// A longer user name fits no check, and would stop the client that writes one.
  @Test(arguments: [("a=ice-ufrag:", 3), ("a=ice-ufrag:", 257), ("a=ice-pwd:", 21)])
  func credentialsOfAnImpossibleLengthAreNone(field: String, characters: Int) throws {
    let lines = try Call(hertz: 450).server.answer.split(separator: "\r\n").map {
      $0.hasPrefix(field) ? field + String(repeating: "a", count: characters) : String($0)
    }
    #expect(throws: CallClientError(description: "the SDP answer has no ICE credentials")) {
      try AnswerDescription.parse(lines.joined(separator: "\r\n"))
    }
  }
}
