import Launcher
import Settings
import Testing
import Wire

@Suite struct UpPlanTests {
  private static let machine = [
    "127.0.0.1:0", "[::1]:0", "192.0.2.9:0", "192.0.2.3:0", "169.254.3.4:0", "[fe80::1]:0",
    "[2001:db8::9]:0",
  ].map { TransportAddress($0)! }

  private func plan(
    _ arguments: String..., machine: [TransportAddress] = Self.machine
  ) throws -> UpPlan {
    guard case .run(let settings) = try UpSettings.command.parse(arguments) else {
      throw SettingsError.unexpectedOperand("an answer instead of settings")
    }
    return UpPlan(settings, keyFile: "/run/keys.json", trunkPort: 20_000, machine: machine)
  }

  /// The values of an option in a list of arguments.
  private func values(_ name: String, in arguments: [String]) -> [String] {
    arguments.indices.dropLast().filter { arguments[$0] == name }.map { arguments[$0 + 1] }
  }

  @Test func theRelayKnowsEveryShard() throws {
    let plan = try plan("--shards", "3", "--workers", "2", "--calls", "17")
    #expect(values("--calls", in: plan.transceiver) == ["17"])
    #expect(
      values("--transceiver", in: plan.relay)
        == ["1.0=127.0.0.1:20000", "1.1=127.0.0.1:20001", "1.2=127.0.0.1:20002"])
    #expect(values("--workers", in: plan.relay) == ["2"])
    #expect(values("--trunk", in: plan.transceiver) == ["127.0.0.1:20000"])
    #expect(values("--shards", in: plan.transceiver) == ["3"])
    #expect(values("--node", in: plan.transceiver) == ["1"])
  }

  @Test func theVoicesRateIsTheTransceivers() throws {
    #expect(values("--voice-bitrate", in: try plan().transceiver) == ["64000"])
    let most = try plan("--voice-bitrate", "510000")
    #expect(values("--voice-bitrate", in: most.transceiver) == ["510000"])
    #expect(values("--voice-bitrate", in: most.relay) == [])
    for rate in ["5999", "510001", "64k", "-1", ""] {
      #expect(throws: SettingsError.self) { _ = try plan("--voice-bitrate", rate) }
    }
  }

  @Test func bothProgramsShareKeysAndCluster() throws {
    let plan = try plan()
    for name in ["--keys", "--cluster", "--log"] {
      #expect(values(name, in: plan.relay) == values(name, in: plan.transceiver))
      #expect(values(name, in: plan.relay).count == 1)
    }
    #expect(values("--keys", in: plan.relay) == ["/run/keys.json"])
  }

  @Test func theMediaAddressesAreTheCandidates() throws {
    let plan = try plan("--media", "192.0.2.1:3478", "--media", "[2001:db8::1]:3478")
    #expect(values("--listen", in: plan.relay) == ["192.0.2.1:3478", "[2001:db8::1]:3478"])
    #expect(values("--candidate", in: plan.transceiver) == values("--listen", in: plan.relay))
  }

  @Test func givenCandidatesReplaceThem() throws {
    let plan = try plan("--media", "0.0.0.0:3478", "--candidate", "192.0.2.1:9")
    #expect(values("--listen", in: plan.relay) == ["0.0.0.0:3478"])
    #expect(values("--candidate", in: plan.transceiver) == ["192.0.2.1:9"])
  }

  @Test func aWildcardOffersTheMachinesAddressesAndLoopbackLast() throws {
    let plan4 = try plan("--media", "0.0.0.0:3478")
    #expect(values("--listen", in: plan4.relay) == ["0.0.0.0:3478"])
    #expect(
      values("--candidate", in: plan4.transceiver)
        == ["192.0.2.3:3478", "192.0.2.9:3478", "127.0.0.1:3478"])
    #expect(plan4.reach == "whoever reaches these")
    let plan6 = try plan("--media", "[::]:9")
    #expect(
      values("--candidate", in: plan6.transceiver)
        == ["192.0.2.3:9", "192.0.2.9:9", "[2001:db8::9]:9", "127.0.0.1:9", "[::1]:9"])
    let both = try plan("--media", "0.0.0.0:1", "--media", "192.0.2.9:1", "--media", "[::1]:2")
    #expect(
      values("--candidate", in: both.transceiver)
        == ["192.0.2.3:1", "192.0.2.9:1", "127.0.0.1:1", "[::1]:2"])
  }

  @Test func loopbackAloneSaysWhoCannotCall() throws {
    #expect(try plan().candidates.map(\.description) == ["127.0.0.1:3478"])
    #expect(try plan().reach.contains("libnice"))
    let alone = try plan("--media", "0.0.0.0:3478", machine: [])
    #expect(alone.candidates.map(\.description) == ["127.0.0.1:3478"])
    #expect(alone.reach.contains("libnice"))
  }

  @Test func fewCandidatesOfManyAddresses() throws {
    let many = (1...100).map { TransportAddress(ipv4: 0xC000_0200 + UInt32($0), port: 0) }
    #expect(try plan("--media", "0.0.0.0:1", machine: many).candidates.count == 9)
  }

  @Test(arguments: ["0.0.0.0:1", "224.0.0.1:1", "255.255.255.255:1", "192.0.2.1:0", "[::]:1"])
  func whatNoClientCanReachIsNoCandidate(text: String) {
    let error = #expect(throws: SettingsError.self) { _ = try plan("--candidate", text) }
    #expect(error.map { "\($0)" }?.contains("--candidate") == true)
  }

  @Test func theUrlIsOneABrowserCanOpen() throws {
    #expect(try plan().url == "http://127.0.0.1:8080")
    #expect(try plan("--http", "0.0.0.0:81", "--no-auth").url == "http://127.0.0.1:81")
    #expect(try plan("--http", "[::1]:81").url == "http://[::1]:81")
  }
}
