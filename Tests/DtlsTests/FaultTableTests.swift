import Dtls
import Glibc
import Testing
import Wire

/// Every kind of record that somebody can send who knows the two addresses and none of the keys, in
/// every state of either role: nothing ends, and nothing is late.
///
/// With MARTLET_FAULT_TABLE set it prints its rows, for `tools/openssl-matrix`.
@Suite struct FaultTableTests {
  /// One kind, and all the records of it.
  struct Fault: CustomTestStringConvertible, Sendable {
    let name: String
    let records: [[UInt8]]
    var testDescription: String { name }
  }

  private static let noise: [UInt8] = {
    var random = SeededRandom(seed: 5)
    return (0..<100).map { _ in UInt8.random(in: 0...255, using: &random) }
  }()

  /// Numbers below, at and above those that the peer uses, and at the ends of the replay window.
  private static let numbers: [UInt64] = [0, 1, 2, 63, 64, 65, 1 << 32, 1 << 48 - 1]

  private static func record(
    _ type: UInt8, _ epoch: UInt16, _ number: UInt64, _ length: Int
  ) -> [UInt8] {
    let bytes = (0..<6).reversed().map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    return [type, 0xFE, 0xFD, UInt8(epoch >> 8), UInt8(epoch & 255)] + bytes
      + [0, UInt8(length)] + noise.prefix(length)
  }

  /// Every number, with every length of `lengths`.
  private static func sweep(
    _ type: UInt8, _ epoch: UInt16, _ lengths: ClosedRange<Int>
  ) -> [[UInt8]] {
    lengths.flatMap { length in numbers.map { record(type, epoch, $0, length) } }
  }

  /// The datagram that ended calls.
  static let fatal: [UInt8] = [0x15, 0xFE, 0xFD, 0, 1, 2, 0, 0, 0, 0, 0, 0, 2, 2, 0x28]

  static let faults: [Fault] =
    [Fault(name: "15 fefd 0001 020000000000 0002 0228", records: [fatal])]
    + [(21, "alert"), (22, "handshake"), (23, "data")].flatMap { type, what in
      [
        Fault(name: "protected \(what), 0 to 15 bytes", records: sweep(type, 1, 0...15)),
        Fault(name: "protected \(what), 16 to 23 bytes", records: sweep(type, 1, 16...23)),
        Fault(name: "protected \(what), 24 to 100 bytes", records: sweep(type, 1, 24...100)),
        Fault(name: "\(what) in the clear, 0 to 100 bytes", records: sweep(type, 0, 0...100)),
        Fault(name: "\(what) of epoch 2, 0 to 100 bytes", records: sweep(type, 2, 0...100)),
        Fault(name: "\(what) of epoch 65535, 0 to 100", records: sweep(type, 65_535, 0...100)),
      ]
    }
    + [
      Fault(
        name: "every other type, epochs 0 to 2, 24 bytes",
        records: (0...255).filter { !(21...23).contains($0) }.flatMap { type in
          (0...2).map { record(type, $0, 1, 24) }
        }),
      Fault(
        name: "other versions of the protocol, 2 and 40 bytes",
        records: [0x0303, 0xFEFF, 0xFEFC, 0x0100, 0].flatMap { version in
          [2, 40].map { length in
            let whole = record(21, 1, 1, length)
            return [21, UInt8(version >> 8), UInt8(version & 255)] + whole[3...]
          }
        }),
    ]

  static let roles: [LossyWire.End] = [.a, .b]

  /// What each end waits for when it has been given this many records of a plain handshake.
  private static let states: [LossyWire.End: [String]] = [
    .a: [
      "ServerHello", "Certificate", "ServerKeyExchange", "CertificateRequest", "ServerHelloDone",
      "ChangeCipherSpec", "Finished", "data",
    ],
    .b: [
      "ClientHello", "Certificate", "ClientKeyExchange", "CertificateVerify", "ChangeCipherSpec",
      "Finished", "data",
    ],
  ]

  @Test(arguments: faults, roles)
  func nothingOfItEndsACallInAnyState(fault: Fault, victim: LossyWire.End) throws {
    let states = try #require(Self.states[victim])
    var outcomes: [String] = []
    for (place, state) in states.enumerated() {
      let wire = try makePair()
      wire.startBoth(collecting: false)
      let taken = wire.shakeHands(recordByRecordTo: victim) { count in
        if count == place { wire.give(fault.records, to: victim) }
      }
      #expect(taken == states.count - 1, "a handshake has other records: \(taken)")
      if place == taken { wire.give(fault.records, to: victim) }
      #expect(wire.isConnected, "\(fault.name) before \(state): \(wire.endpoint(victim).state)")
      if wire.isConnected { try expectDataBothWays(wire, "\(fault.name) before \(state)") }
      let counters = wire.endpoint(victim).counters
      #expect(counters.passed == UInt64(states.count), "\(fault.name): something got through")
      #expect(counters.restarts == 0)
      outcomes.append(wire.isConnected ? "goes on" : "ENDS")
    }
    Self.tell(fault.name, victim, states, outcomes)
  }

  /// The blind attack: 64,512 ports, and here as many of its datagrams find the call, each with a
  /// number of its own.
  @Test(arguments: roles) func theBlindAttackEndsNoCall(victim: LossyWire.End) throws {
    let wire = try makePair()
    wire.startBoth()
    wire.run()
    var datagram = Self.fatal
    for port in 1_024...65_535 {
      datagram[9] = UInt8(port >> 8)
      datagram[10] = UInt8(port & 255)
      wire.give([datagram], to: victim)
    }
    #expect(wire.isConnected)
    #expect(wire.endpoint(victim).counters.forged == 64_512)
    try expectDataBothWays(wire)
    Self.tell("64,512 of the first kind", victim, ["data"], [wire.isConnected ? "goes on" : "ENDS"])
  }

  /// What somebody forges takes the rest of its datagram along: one opening, whatever is in it.
  @Test(arguments: roles) func aDatagramCostsOneOpeningAtMost(victim: LossyWire.End) throws {
    let wire = try makePair()
    wire.startBoth()
    wire.run()
    let many = (10..<40).flatMap { Self.record(23, 1, $0, 30) }
    wire.inject(many, to: victim)
    #expect(wire.endpoint(victim).counters.forged == 1)
    #expect(wire.isConnected)
    try expectDataBothWays(wire)
  }

  private static func tell(
    _ fault: String, _ victim: LossyWire.End, _ states: [String], _ outcomes: [String]
  ) {
    guard unsafe getenv("MARTLET_FAULT_TABLE") != nil else { return }
    let role = victim == .a ? "active" : "passive"
    for (state, outcome) in zip(states, outcomes) {
      print("fault|\(PlainPeer.libraryVersion)|\(role)|\(fault)|\(state)|\(outcome)")
    }
  }
}
