import Glibc

/// How many files and sockets this process may have open.
package enum DescriptorLimit {
  /// Raises it to `count`, or as far as the system lets it; never lowers it. Gives what it is then.
  @discardableResult
  package static func raise(to count: Int) -> Int {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
      return count
    }
    let wanted = min(limit.rlim_max, rlim_t(count))
    if wanted > limit.rlim_cur {
      limit.rlim_cur = wanted
      unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
    return Int(clamping: limit.rlim_cur)
  }
}

/// What a program needs of that limit.
package struct DescriptorNeed: Sendable, Equatable {
  /// Without these it cannot serve at all.
  package let least: Int
  /// With these it can serve as much as it was told to.
  package let all: Int
  /// What they are for: the end of a sentence.
  package let purpose: String

  /// Where `least` equals `all` no limit is tight: it is enough or too few.
  package init(least: Int, all: Int, purpose: String) {
    self.least = least
    self.all = all
    self.purpose = purpose
  }

  /// What a `limit` means.
  package enum Verdict: Sendable, Equatable {
    case enough
    /// It can serve, but not as much as it was told to: a sentence that says so.
    case tight(String)
    /// It cannot serve: a sentence for the operator.
    case tooFew(String)
  }

  /// What to do with the limit that `DescriptorLimit.raise` has given. The sentences name it
  /// and `all`, and how the operator raises the limit.
  package func verdict(limit: Int) -> Verdict {
    if limit >= all { return .enough }
    let sentence =
      "the limit of open files is \(limit), and \(all) are needed for \(purpose): raise it "
      + "(ulimit -n \(all), or LimitNOFILE=\(all) in a systemd unit)"
    return limit < least ? .tooFew(sentence) : .tight(sentence)
  }
}
