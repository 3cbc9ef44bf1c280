import Backends
import Glibc
import ServiceClient
import Testing

@Suite("Lines to a service, over real sockets")
struct ServiceHubTests {
  @Test(arguments: ["127.0.0.1", "localhost"])
  func aLineOpensAndCarriesMessagesInOrder(host: String) throws {
    let service = try FakeService()
    let rig = try HubUnderTest(service.endpoint(host: host))
    let line = rig.open()
    #expect(rig.news.waits(for: .opened))
    for number in 0..<200 { line.send(.text("m\(number)")) }
    #expect(rig.news.waits { $0.count == 201 })
    let expected = (0..<200).map { ServiceNews.message(Array("m\($0)".utf8), isText: true) }
    #expect(rig.news.all == [.opened] + expected)
    #expect(service.requests == ["/v1"])
  }

  @Test func aLineThatIsClosedTellsNothingMore() throws {
    let service = try FakeService()
    let rig = try HubUnderTest(service.endpoint())
    let line = rig.open()
    #expect(rig.news.waits(for: .opened))
    line.close()
    line.send(.text("late"))
    let other = rig.open()
    #expect(rig.news.waits { $0.count { $0 == .opened } == 2 })
    other.send(.text("x"))
    #expect(rig.news.waits(for: .message([0x78], isText: true)))
    #expect(rig.news.all == [.opened, .opened, .message([0x78], isText: true)])
  }

  @Test func theEndOfAServiceIsTold() throws {
    let service = try FakeService()
    let rig = try HubUnderTest(service.endpoint())
    let first = rig.open()
    #expect(rig.news.waits(for: .opened))
    first.send(.text("end"))
    #expect(rig.news.waits(for: .closed("good bye")))
    let second = rig.open()
    #expect(rig.news.waits { $0.count { $0 == .opened } == 2 })
    second.send(.text("break"))
    #expect(rig.news.waits(for: .failed("it closed with 1011: out of order")))
  }

  @Test func aServiceThatTellsTheKeyIsNotRepeated() throws {
    let service = try FakeService()
    let rig = try HubUnderTest(service.endpoint(), key: "sk-secret")
    let line = rig.open()
    #expect(rig.news.waits(for: .opened))
    line.send(.text("tell"))
    #expect(rig.news.waits(for: .failed("it closed with 1008: (not repeated here)")))
  }

  @Test func aKeyThatIsCutShortIsStillTheKey() throws {
    let text = "sk-proj-" + String(repeating: "0123456789", count: 16)
    let key = try #require(ServiceKey(text))
    #expect(key.isRepeated(in: String("wrong key: \(text)".prefix(123))))
    #expect(key.isRepeated(in: "sk-proj-0123"))
    #expect(!key.isRepeated(in: "wrong key: sk-proj-012..., see our documentation"))
    #expect(!key.isRepeated(in: ""))
    #expect(try #require(ServiceKey("short")).isRepeated(in: "a short one"))
  }

  @Test(arguments: ["ws://127.0.0.1:1/", "tcp://127.0.0.1:1", "ws://nowhere.invalid/"])
  func aServiceThatIsNotThereFailsOnce(url: String) throws {
    let rig = try HubUnderTest(ServiceEndpoint(url))
    let line = rig.open()
    #expect(rig.news.waits { !$0.isEmpty })
    guard case .failed(let reason) = rig.news.all[0] else {
      Issue.record("\(rig.news.all)")
      return
    }
    #expect(!reason.isEmpty)
    line.send(.text("x"))
    line.close()
    #expect(rig.news.all.count == 1)
  }

  @Test func aServiceThatDoesNotReadLosesVoiceThenTheLine() throws {
    let service = try FakeService()
    let rig = try HubUnderTest(service.endpoint())
    let line = rig.open()
    #expect(rig.news.waits(for: .opened))
    line.send(.text("x"))
    #expect(rig.news.waits(for: .message([0x78], isText: true)))
    service.reads = false
    line.send(.text("y"))
    // The kernel's buffers take some megabytes; then the queue fills.
    var sent = 0
    while line.droppedAudio == 0, sent < 4_000 {
      line.send(.audio(10_000))
      sent += 1
      usleep(1_000)
    }
    #expect(line.droppedAudio > 0, "\(sent) messages of 10,000 bytes were taken")
    var tried = 0
    let failure = ServiceNews.failed("it does not read what it is sent")
    let crowded = ServiceNews.failed("too much waits to be sent")
    while !rig.news.all.contains(where: { $0 == failure || $0 == crowded }), tried < 4_000 {
      line.send(
        ServiceMessage([UInt8](repeating: 0x61, count: 10_000), isText: true, isAudio: false))
      tried += 1
      usleep(1_000)
    }
    #expect(rig.news.waits { $0.contains { $0 == failure || $0 == crowded } })
  }

  /// Voice alone, at the pace of a call: no queue need be full for that.
  @Test func aServiceThatReadsNothingFailsTheLine() throws {
    let service = try FakeService()
    let rig = try HubUnderTest(service.endpoint(), stallMilliseconds: 500)
    let line = rig.open()
    #expect(rig.news.waits(for: .opened))
    line.send(.text("x"))
    #expect(rig.news.waits(for: .message([0x78], isText: true)))
    service.reads = false
    line.send(.text("y"))
    let failed = { (news: [ServiceNews]) in
      news.contains {
        guard case .failed(let reason) = $0 else { return false }
        return reason.hasPrefix("it has read nothing for ")
      }
    }
    // Its own kernel takes what its buffers hold.
    var sent = 0
    while !failed(rig.news.all), sent < 20_000 {
      line.send(.audio(10_000))
      sent += 1
      usleep(1_000)
    }
    #expect(rig.news.waits(until: failed), "\(sent) sent, \(line.droppedAudio) dropped")
  }

  @Test func readingStopsWhenNobodyHandlesWhatCame() throws {
    let service = try FakeService()
    let rig = try HubUnderTest(service.endpoint())
    let line = rig.open(handles: false)
    #expect(rig.news.waits(for: .opened))
    line.send(.text("flood"))
    // 8 MiB are on their way, and 1 MiB and a message is all that may come.
    let most = ServiceLine.incomingBytesMax / 100_000 + 1
    #expect(rig.news.waits { _ in rig.news.messageCount >= most })
    usleep(300_000)
    #expect(rig.news.messageCount <= most)
    for item in rig.news.all { line.noteHandled(item) }
    #expect(rig.news.waits { _ in rig.news.messageCount > most })
  }

  @Test func aFileOfAuthoritiesThatIsNoneIsNamed() throws {
    var options = ServiceOptions(try ServiceEndpoint("wss://h/"))
    options.caFile = "/dev/null"
    let failure = #expect(throws: ServiceFailure.self) { try ServiceHub(options) }
    #expect(failure?.description == "/dev/null has no certificate (PEM) that can be read")
  }
}
