import CTraffic
import Glibc

/// The CPUs that this process may use, and who gets which in a run.
enum Processors {
  /// Ascending.
  static func all() -> [Int32] {
    var cpus = [Int32](repeating: 0, count: 1024)
    let count = unsafe ct_cpus(&cpus, UInt32(cpus.count))
    return Array(cpus.prefix(Int(count)))
  }

  /// Binds this thread, and what it starts from now on. Keeps what was where that is refused.
  static func bind(_ cpus: [Int32]) {
    _ = unsafe cpus.withUnsafeBufferPointer { unsafe ct_bind($0.baseAddress, UInt32($0.count)) }
  }
}

/// Who runs where in a run. The forwarder has one CPU. To keep it behind, senders may have to use
/// that CPU as well: then each gets its part of it, and the forwarder's queue stays full.
struct Layout: Equatable {
  let forwarder: Int32
  /// One for each sender.
  let senders: [Int32]
  let sink: Int32

  /// With four CPUs or more the forwarder has one for itself.
  init(cpus: [Int32], saturates: Bool) {
    precondition(!cpus.isEmpty)
    forwarder = cpus[cpus.count - 1]
    sink = cpus[0]
    if cpus.count >= 4 {
      senders = Array(cpus[1..<min(cpus.count - 1, 5)])
    } else if saturates || cpus.count == 1 {
      senders = cpus
    } else {
      senders = [cpus[0]]
    }
  }
}

/// Waits for so many seconds.
func pause(seconds: Double) {
  var time = timespec()
  unsafe clock_gettime(CLOCK_MONOTONIC, &time)
  let moment = Double(time.tv_sec) * 1e9 + Double(time.tv_nsec) + seconds * 1e9
  time.tv_sec = Int(moment / 1e9)
  time.tv_nsec = Int(moment.truncatingRemainder(dividingBy: 1e9))
  while unsafe clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
}

/// Nanoseconds of CLOCK_MONOTONIC.
func monotonicNanoseconds() -> UInt64 {
  var time = timespec()
  unsafe clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
