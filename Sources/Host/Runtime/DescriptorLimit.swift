import Glibc

/// How many files and sockets this process may have open.
package enum DescriptorLimit {
  /// Raises it to `count`, or as far as the system lets it; never lowers it.
  package static func raise(to count: Int) {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    let wanted = min(limit.rlim_max, rlim_t(count))
    guard wanted > limit.rlim_cur else { return }
    limit.rlim_cur = wanted
    unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
