import Glibc

/// Keeps the calling thread on one CPU until `end`, which the same thread calls. What it starts in
/// between inherits that.
struct PinnedThread {
  private var before = cpu_set_t()

  init() {
    unsafe sched_getaffinity(0, MemoryLayout<cpu_set_t>.size, &before)
    var one = cpu_set_t()
    one.__bits.0 = before.__bits.0 & (~before.__bits.0 &+ 1)
    if one.__bits.0 != 0 { unsafe sched_setaffinity(0, MemoryLayout<cpu_set_t>.size, &one) }
  }

  func end() {
    var before = before
    unsafe sched_setaffinity(0, MemoryLayout<cpu_set_t>.size, &before)
  }
}
