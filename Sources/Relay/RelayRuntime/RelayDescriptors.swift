import Runtime

extension RelayOptions {
  /// The files and sockets of a relay: for each worker a socket of each listener (and, for frames,
  /// that one's ring and what asks the kernel for ways), one of the trunk, and what its loop waits
  /// with; for each listener the steering program with its maps; and a few of the process's own.
  var descriptorNeed: DescriptorNeed {
    let ofWorker = listeners.count * (transmit == .frames ? 4 : 1) + 5
    let count = workers * ofWorker + listeners.count * 10 + 16
    return DescriptorNeed(
      least: count, all: count, purpose: "\(workers) workers with \(listeners.count) listeners")
  }
}

extension DescriptorLimit {
  /// Raises the limit as far as a relay needs; refuses one that does not do.
  static func claim(_ options: RelayOptions) throws(RelayFailure) {
    let need = options.descriptorNeed
    switch need.verdict(limit: raise(to: need.all)) {
    case .enough: return
    case .tight(let sentence), .tooFew(let sentence): throw RelayFailure(sentence)
    }
  }
}
