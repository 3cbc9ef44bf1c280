import Dtls
import Testing
import Wire

/// What only this program can do wrong stops it; see `FaultTableTests` for what a peer can do.
@Suite("Own mistakes at the DTLS boundary") struct OwnMistakeTests {
  private static func make(
    seedBytes: Int = 32, _ change: (inout DtlsConfiguration) -> Void = { _ in }
  ) throws -> OpenSslDtls {
    var configuration = DtlsConfiguration(
      role: .active, fingerprints: [identityOfB.fingerprint()])
    change(&configuration)
    return try OpenSslDtls(
      identity: identityOfA, configuration: configuration,
      seed: Array(repeating: 1, count: seedBytes))
  }

  @Test func whatIsInRangeIsTaken() throws {
    for mtu in [228, 2048] {
      let end = try Self.make { $0.mtu = mtu }
      end.start(at: Instant(nanoseconds: 1))
      var buffer: [UInt8] = Array(repeating: 0, count: mtu)
      let hello = unsafe buffer.withUnsafeMutableBytes { unsafe end.nextDatagram(into: $0) }
      #expect(try #require(hello) <= mtu)
    }
  }

  @Test(arguments: [0, 31, 33]) func aSeedOfAnotherLength(bytes: Int) async {
    await #expect(processExitsWith: .failure) { [bytes] in _ = try Self.make(seedBytes: bytes) }
  }

  @Test(arguments: [0, 227, 2049, 1 << 16 + 1200])
  func anMtuOutsideOpenSslsRange(mtu: Int) async {
    await #expect(processExitsWith: .failure) { [mtu] in _ = try Self.make { $0.mtu = mtu } }
  }

  @Test func waitsOfNothingAndNoRestarts() async {
    await #expect(processExitsWith: .failure) {
      _ = try Self.make { $0.firstTimeoutMilliseconds = 0 }
    }
    await #expect(processExitsWith: .failure) { _ = try Self.make { $0.restartsAtOnce = 0 } }
    await #expect(processExitsWith: .failure) { _ = try Self.make { $0.restartsPerSecond = 0 } }
  }

  /// A flight would be lost silently, and the handshake with it.
  @Test func aBufferThatADatagramDoesNotFitInto() async {
    await #expect(processExitsWith: .failure) {
      let end = try Self.make()
      var buffer: [UInt8] = Array(repeating: 0, count: 1199)
      _ = unsafe buffer.withUnsafeMutableBytes { unsafe end.nextDatagram(into: $0) }
    }
    await #expect(processExitsWith: .failure) {
      let end = try Self.make()
      var buffer: [UInt8] = Array(repeating: 0, count: 2047)
      _ = unsafe buffer.withUnsafeMutableBytes { unsafe end.nextApplicationData(into: $0) }
    }
  }
}
