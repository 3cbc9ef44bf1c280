import CPacketLoop
import Glibc
import TestSupport
import Testing

/// What a way carries, and what becomes of datagrams that are longer, between two hosts.
@Suite(.enabled(if: TwoHosts.arePermitted, TwoHosts.need)) struct PathTests {
  private static func pathBytes(_ local: String, _ peer: String) -> UInt32 {
    var from = pl_address.of(local)
    var to = pl_address.of(peer, port: 9)
    return unsafe pl_path_bytes(&from, &to)
  }

  @Test func theInterfaceTheRouteAndWhatIsChanged() throws {
    try TwoHosts.run { _ in
      #expect(Self.pathBytes("10.9.0.1", "10.9.0.2") == 1_472)
      #expect(Self.pathBytes("0.0.0.0", "10.10.0.7") == 1_472)
      #expect(Self.pathBytes("fd00:9::1", "fd00:9::2") == 1_452)
      #expect(Self.pathBytes("10.9.0.1", "192.0.2.1") == 0, "there is no way")
      var error = pl_error()
      let news = unsafe pl_path_news_open(&error)
      defer { close(news) }
      // The kernel tells of the new interface and its own address for a second or two.
      #expect(eventually { !pl_path_news_read(news) })
      try TwoHosts.ip("link set here0 mtu 1280")
      #expect(pl_path_news_read(news))
      #expect(Self.pathBytes("10.9.0.1", "10.9.0.2") == 1_252)
      #expect(Self.pathBytes("fd00:9::1", "fd00:9::2") == 1_232)
      // Somebody here has set it, so it holds however small it is.
      try TwoHosts.ip("route change 10.10.0.0/16 via 10.9.0.2 mtu 1000")
      #expect(Self.pathBytes("10.9.0.1", "10.10.0.7") == 972)
    }
  }

  /// Rows of one length, single datagrams, both IP versions: what the interface does not take comes
  /// back whole and in order, and everything else leaves.
  @Test(arguments: ["10.9.0", "fd00:9:"])
  func whatIsTooLongComesBack(net: String) throws {
    try TwoHosts.run { hosts in
      let dot = net.contains(":") ? ":" : "."
      let loop = try TestLoop()
      let socket = try loop.addSocket(local: .of("\(net)\(dot)1"))
      var error = pl_error()
      #expect(unsafe pl_loop_keep_refused(loop.loop, 0, &error) == 0)
      let peer = try hosts.over { try UdpSocket(.of("\(net)\(dot)2")) }
      try TwoHosts.ip("link set here0 mtu 1280")
      let lengths: [UInt32] = [1_400, 1_400, 1_400, 1_400, 100, 1_300, 200]
      let bytes = [UInt8](repeating: 7, count: 1_400)
      var refused: [UInt32] = []
      unsafe loop.runOnce { raw in
        var to = peer.address
        unsafe bytes.withUnsafeBufferPointer { bytes in
          for length in lengths {
            unsafe pl_loop_send(raw, 0, bytes.baseAddress, length, &to)
          }
          unsafe pl_loop_flush(raw)
          var one = unsafe pl_refused()
          while unsafe pl_loop_take_refused(raw, &one) {
            #expect(unsafe one.bytes == bytes.baseAddress && one.peer.port == to.port)
            unsafe refused.append(one.length)
            #expect(
              unsafe pl_loop_send_now(raw, 0, one.bytes, one.length, &to, false) == EMSGSIZE)
            #expect(unsafe pl_loop_send_now(raw, 0, one.bytes, one.length, &to, true) == 0)
          }
        }
      }
      #expect(refused == [1_400, 1_400, 1_400, 1_400, 1_300])
      // Those that fitted, then those that left in fragments, put together again by the kernel.
      let arrived = (0..<7).map { _ in peer.receive()?.count }
      #expect(arrived == [100, 200, 1_400, 1_400, 1_400, 1_400, 1_300])
      let counters = loop.counters
      #expect(counters.sent == 7 && counters.sent_in_fragments == 5)
      #expect(counters.given_back == 10 && counters.failed_too_big == 0)
      #expect(socket.address.port != 0)
    }
  }

  /// What nobody takes is lost and counted, once.
  @Test func whatIsNotTakenIsLost() throws {
    try TwoHosts.run { hosts in
      let loop = try TestLoop()
      _ = try loop.addSocket(local: .of("10.9.0.1"))
      var error = pl_error()
      #expect(unsafe pl_loop_keep_refused(loop.loop, 0, &error) == 0)
      let peer = try hosts.over { try UdpSocket(.of("10.9.0.2")) }
      try TwoHosts.ip("link set here0 mtu 1280")
      let bytes = [UInt8](repeating: 7, count: 1_400)
      unsafe loop.runOnce { raw in
        var to = peer.address
        unsafe bytes.withUnsafeBufferPointer {
          for _ in 0..<3 { unsafe pl_loop_send(raw, 0, $0.baseAddress, 1_400, &to) }
        }
      }
      let counters = loop.counters
      #expect(counters.failed_too_big == 3 && counters.given_back == 0 && counters.sent == 0)
    }
  }
}
