import Launcher
import Settings
import Testing

@Suite struct UpPlanTests {
  private func plan(_ arguments: String...) throws -> UpPlan {
    guard case .run(let settings) = try UpSettings.command.parse(arguments) else {
      throw SettingsError.unexpectedOperand("an answer instead of settings")
    }
    return try UpPlan(settings, keyFile: "/run/keys.json", trunkPort: 20_000)
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

  @Test func aWildcardNeedsACandidate() {
    let error = #expect(throws: UpPlan.Conflict.self) { try plan("--media", "0.0.0.0:3478") }
    #expect(error?.description.contains("--candidate") == true)
  }

  @Test func theUrlIsOneABrowserCanOpen() throws {
    #expect(try plan().url == "http://127.0.0.1:8080")
    #expect(try plan("--http", "0.0.0.0:81", "--no-auth").url == "http://127.0.0.1:81")
    #expect(try plan("--http", "[::1]:81").url == "http://[::1]:81")
  }
}
