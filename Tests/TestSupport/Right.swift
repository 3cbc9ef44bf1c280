import Glibc

/// A right that an ordinary user's process does not have, and a few tests need (capabilities(7)).
///
/// Such a test is enabled only where the right is held, and its comment begins with "needs a
/// right: ". By that tools/count-results knows it from a test that is skipped for another reason,
/// which is never in order.
///
///     @Test(.enabled(if: Right.bpf.isHeld, "needs a right: CAP_BPF"))
package enum Right: Int {
  /// Interfaces, routes, and what they are set to.
  case netAdmin = 12
  /// Network namespaces.
  case sysAdmin = 21
  /// eBPF programs.
  case bpf = 39

  /// Whether this process has the right, read from the kernel each time.
  package var isHeld: Bool {
    guard let file = unsafe fopen("/proc/self/status", "r") else { return false }
    defer { unsafe fclose(file) }
    var line = [CChar](repeating: 0, count: 4_096)
    while unsafe fgets(&line, Int32(line.count), file) != nil {
      let bytes = line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
      let text = String(decoding: bytes, as: UTF8.self)
      guard text.hasPrefix("CapEff:") else { continue }
      let digits = text.dropFirst(7).filter(\.isHexDigit)
      return UInt64(digits, radix: 16).map { $0 >> rawValue & 1 == 1 } ?? false
    }
    return false
  }
}
