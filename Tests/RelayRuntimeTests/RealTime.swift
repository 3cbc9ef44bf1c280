import Glibc
import Token

/// The clock of the machine, which the relay under test uses as well.
enum RealTime {
  /// Token minutes now.
  static var minutes: UInt32 {
    var now = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &now)
    return TokenClock.minutes(unixSeconds: Int64(now.tv_sec))
  }
}
