import Runtime
import Testing
import Token
import Wire

@testable import TransceiverRuntime

/// The shard's side of WebSockets beside a call.
@Suite struct SidebandTests {
  private let rig: ShardRig
  private let callID: CallID
  private let allowance = ByteAllowance(limit: 1 << 20)

  init() throws {
    rig = try ShardRig()
    let address = TransportAddress(ipv4: 0xC000_0201, port: 9)
    callID = try #require(try rig.makeCall(from: address).callID)
  }

  private func post(_ letter: Shard.Letter) {
    rig.shard.mailbox.post(letter)
    rig.run(1)
  }

  private func send(_ text: String, from sideband: UInt32) {
    let bytes = Array(text.utf8)
    #expect(allowance.take(bytes.count))
    post(.event(callID, sideband: sideband, bytes, allowance))
  }

  /// What has been posted for WebSockets, as lines: `7,8 session.created`, `7 closed 1000`.
  private var posted: [String] {
    rig.shard.sidebandMail.collect().map { letter in
      switch letter {
      case .event(let bytes, let sidebands):
        let text = String(decoding: bytes, as: UTF8.self)
        let start = text.range(of: "\"type\":\"")?.upperBound ?? text.startIndex
        return "\(Self.names(sidebands)) \(text[start...].prefix { $0 != "\"" })"
      case .close(let sidebands, let code, _): return "\(Self.names(sidebands)) closed \(code)"
      }
    }
  }

  private static func names(_ sidebands: [UInt32]) -> String {
    sidebands.map { "\($0)" }.joined(separator: ",")
  }

  @Test func eventsGoToWhomTheyAreFor() {
    post(.join(callID, sideband: 7))
    #expect(posted == ["7 session.created"])
    post(.join(callID, sideband: 8))
    #expect(posted == ["8 session.created"])
    send(#"{"type":"session.update","session":{"instructions":"x"}}"#, from: 7)
    #expect(posted == ["7,8 session.updated"])
    send("garbage", from: 8)
    #expect(posted == ["8 error"])
    post(.leave(callID, sideband: 7))
    send(#"{"type":"session.update","session":{"instructions":"y"}}"#, from: 8)
    #expect(posted == ["8 session.updated"])
    #expect(allowance.used == 0)
  }

  @Test func theEndOfTheCallEndsThem() throws {
    post(.join(callID, sideband: 7))
    post(.join(callID, sideband: 8))
    _ = posted
    post(.hangUp(callID))
    #expect(posted == ["7,8 closed 1000"])
    #expect(rig.shard.sidebands.isEmpty)
    // Who comes too late is told at once; what comes from them is nobody's.
    post(.join(callID, sideband: 9))
    #expect(posted == ["9 closed 1000"])
    send(#"{"type":"session.update","session":{}}"#, from: 8)
    post(.leave(callID, sideband: 8))
    #expect(posted.isEmpty)
    #expect(allowance.used == 0)
  }

  @Test func whoNeverJoinedIsNotHeard() {
    send(#"{"type":"session.update","session":{}}"#, from: 7)
    post(.leave(callID, sideband: 7))
    #expect(posted.isEmpty)
  }

  /// The web server's thread does not take its mail: what waits is bounded, and who misses an
  /// event is cut off instead of going on without it.
  @Test func whatWaitsIsBounded() {
    post(.join(callID, sideband: 7))
    let big = String(repeating: "x", count: 200_000)
    let update = #"{"type":"session.update","session":{"instructions":"\#(big)"}}"#
    for _ in 0..<200 { send(update, from: 7) }
    let lines = posted
    #expect(lines.filter { $0 == "7 session.updated" }.count < 200)
    #expect(lines.contains("7 closed 1013"))
  }
}

extension String {
  fileprivate func range(of part: String) -> Range<String.Index>? {
    indices.lazy.map { self[$0...] }.first { $0.hasPrefix(part) }
      .map { $0.startIndex..<self.index($0.startIndex, offsetBy: part.count) }
  }
}
