import CPacketLoop
import Glibc
import Testing

/// What went wrong in a test's own set-up.
struct SetUpError: Error, CustomStringConvertible {
  let description: String
}

extension pl_error {
  var sentence: String {
    var copy = self
    return unsafe String(cString: pl_error_text(&copy))
  }
}

extension pl_address {
  /// An IPv4 address on the loopback network: 127.0.0.`host`.
  static func loopback(port: UInt16, host: UInt8 = 1) -> pl_address {
    var address = pl_address()
    address.port = port
    unsafe withUnsafeMutableBytes(of: &address.ip) { bytes in
      unsafe bytes.copyBytes(from: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, host])
    }
    return address
  }

  static func ipv6Loopback(port: UInt16) -> pl_address {
    var address = pl_address()
    address.port = port
    address.ip.15 = 1
    return address
  }
}

/// A UDP socket opened by the library under test, closed with its last reference unless a loop has
/// taken it.
final class UdpSocket {
  let descriptor: Int32
  let address: pl_address
  var isOwned = true

  init(
    _ local: pl_address, sharesPort: Bool = false, coalesces: Bool = false, takesIPv4: Bool = false
  ) throws {
    var options = pl_socket_options()
    options.local = local
    options.reuse_port = sharesPort ? 1 : 0
    options.coalesce = coalesces ? 1 : 0
    options.takes_ipv4 = takesIPv4 ? 1 : 0
    var bound = pl_address()
    var error = pl_error()
    descriptor = unsafe pl_socket_open(&options, &bound, &error)
    address = bound
    guard descriptor >= 0 else { throw SetUpError(description: error.sentence) }
  }

  deinit { if isOwned { close(descriptor) } }

  /// Calls `body` with the kernel's form of an address.
  private func withName<Result>(
    of peer: pl_address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    let octets = unsafe withUnsafeBytes(of: peer.ip) { unsafe Array($0) }
    if octets.prefix(12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255] {
      var name = sockaddr_in()
      name.sin_family = sa_family_t(AF_INET)
      name.sin_port = peer.port.bigEndian
      unsafe withUnsafeMutableBytes(of: &name.sin_addr) { unsafe $0.copyBytes(from: octets[12...]) }
      return unsafe withGeneric(&name, body)
    }
    var name = sockaddr_in6()
    name.sin6_family = sa_family_t(AF_INET6)
    name.sin6_port = peer.port.bigEndian
    unsafe withUnsafeMutableBytes(of: &name.sin6_addr) { unsafe $0.copyBytes(from: octets) }
    return unsafe withGeneric(&name, body)
  }

  private func withGeneric<Name, Result>(
    _ name: inout Name, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    let length = socklen_t(MemoryLayout<Name>.size)
    return unsafe withUnsafeBytes(of: &name) {
      unsafe body($0.baseAddress!.assumingMemoryBound(to: sockaddr.self), length)
    }
  }

  func send(_ bytes: [UInt8], to peer: pl_address) throws {
    let sent = unsafe withName(of: peer) { name, length in
      unsafe sendto(descriptor, bytes, bytes.count, 0, name, length)
    }
    guard sent == bytes.count else { throw SetUpError(description: "sendto: errno \(errno)") }
  }

  func connect(to peer: pl_address) throws {
    let status = unsafe withName(of: peer) { unsafe Glibc.connect(descriptor, $0, $1) }
    guard status == 0 else { throw SetUpError(description: "connect: errno \(errno)") }
  }

  /// What the network has told a connected socket; an errno, 0 for nothing.
  var pendingError: Int32 {
    var error: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length)
    return error
  }

  /// The next datagram, or nil when none comes within `milliseconds`.
  func receive(within milliseconds: Int32 = 60_000) -> [UInt8]? {
    var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard unsafe poll(&wanted, 1, milliseconds) == 1 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = unsafe recv(descriptor, &bytes, bytes.count, 0)
    return count < 0 ? nil : Array(bytes.prefix(count))
  }

  /// Everything that waits in the queue.
  func receiveWaiting() -> [[UInt8]] {
    var all: [[UInt8]] = []
    while let next = receive(within: 0) { all.append(next) }
    return all
  }
}

/// Asks again until the answer is yes; gives up after a minute.
func eventually(_ isTrue: () throws -> Bool) rethrows -> Bool {
  for _ in 0..<60_000 {
    if try isTrue() { return true }
    usleep(1_000)
  }
  return false
}

/// How many UDP sockets are bound to this port of 127.0.0.1, in the kernel's words.
func udpSocketCount(onLoopback port: UInt16) -> Int {
  guard let file = unsafe fopen("/proc/net/udp", "r") else { return 0 }
  defer { unsafe fclose(file) }
  let digits = String(port, radix: 16, uppercase: true)
  let name = " 0100007F:" + String(repeating: "0", count: 4 - digits.count) + digits + " "
  var line = [CChar](repeating: 0, count: 512)
  var count = 0
  while unsafe fgets(&line, Int32(line.count), file) != nil {
    let bytes = line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
    if String(decoding: bytes, as: UTF8.self).contains(name) { count += 1 }
  }
  return count
}
