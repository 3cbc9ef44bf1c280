import CProbe
import Dtls
import Glibc
import Testing
import Wire

/// What a call's DTLS holds in memory. Run alone: the memory is the whole process's.
@Suite("Budget of DTLS", .serialized, .enabled(if: probe_is_alone())) struct DtlsBudgetTests {
  private static let count = 100

  /// Bytes of resident memory for each of the objects that `make` makes.
  private func bytesPerObject(_ make: () throws -> AnyObject) rethrows -> Int {
    var objects: [AnyObject] = [try make()]  // the first pays for what all share
    objects.reserveCapacity(Self.count + 1)
    let before = residentBytes()
    for _ in 0..<Self.count { objects.append(try make()) }
    let after = residentBytes()
    return withExtendedLifetime(objects) { (after - before) / Self.count }
  }

  /// The second figure of /proc/self/statm, in bytes.
  private func residentBytes() -> Int {
    var text = [UInt8](repeating: 0, count: 128)
    let file = unsafe open("/proc/self/statm", O_RDONLY)
    defer { close(file) }
    let count = unsafe text.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
    let words = String(decoding: text.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
    return words.count > 1 ? (Int(words[1]) ?? 0) * Int(getpagesize()) : 0
  }

  @Test func aConnectedEndIsBelow100Kilobytes() throws {
    let bytes = try bytesPerObject {
      let wire = try makePair()
      wire.startBoth()
      wire.run()
      #expect(wire.isConnected)
      return wire.b
    }
    print("connected: \(bytes) bytes")
    #expect(bytes < 100_000)
    #expect(bytes > 10_000, "the measure sees nothing")
  }

  /// Fragments of many sizes that never become a message, as many as somebody cares to send.
  @Test(arguments: [DtlsRole.active, .passive])
  func aHalfOpenEndIsBelow150KilobytesWhateverIsSent(role: DtlsRole) throws {
    let types: [UInt8] = role == .active ? [2, 3, 11, 12, 13, 14] : [1, 11, 15, 16]
    let bytes = try bytesPerObject {
      let end = try makeEndpoint(
        role, identity: identityOfA, fingerprints: [identityOfB.fingerprint()])
      let now = Instant(nanoseconds: 1_000_000)
      end.start(at: now)
      for round in 0..<300 {
        for type in types {
          let fragment = Forgery.handshake(
            type: type, sequence: UInt8(round % 6), length: 4_000 + round % 90,
            offset: round * 13 % 3_000, [UInt8](repeating: 1, count: 41))
          unsafe fragment.withUnsafeBytes { unsafe end.handle($0, at: now) }
        }
      }
      return end
    }
    print("half open, \(role): \(bytes) bytes")
    #expect(bytes < 150_000)
  }
}
