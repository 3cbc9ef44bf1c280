import Glibc

/// Large pages for large tables: one entry of the processor's address cache then covers 2 MiB.
enum LargePages {
  /// `MADV_COLLAPSE` (Linux 6.1), which the C library of Debian 12 does not name yet.
  private static let collapseAdvice: Int32 = 25

  /// Has the kernel move `memory` onto large pages now. It may not want to; nothing depends on it.
  static func collapse(_ memory: UnsafeMutableRawBufferPointer) {
    guard memory.count >= 2 << 20, let start = memory.baseAddress else { return }
    _ = unsafe madvise(start, memory.count, collapseAdvice)
  }
}
