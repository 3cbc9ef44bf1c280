import Glibc

/// A TCP socket that listens on a free port of the loopback interface, as long as it is kept.
final class Listener: Sendable {
  let descriptor: Int32
  let port: UInt16

  init() {
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let listener = socket(AF_INET, kind, 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(listener, $0, length)
        unsafe getsockname(listener, $0, &length)
      }
    }
    listen(listener, 16)
    descriptor = listener
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit { close(descriptor) }
}
