import CSteering

/// The kernel's program that spreads one listener's datagrams over the workers.
///
/// Used by the main thread alone. The kernel keeps the program until the group's last socket is
/// closed.
@safe final class Steering {
  private let handle: OpaquePointer

  /// What became of the wish to steer.
  enum Outcome {
    case steering(Steering)
    /// BPF is refused to us; the sentence says why. The kernel's own hash goes on.
    case refused(String)
  }

  private init(_ handle: OpaquePointer) { unsafe self.handle = handle }

  deinit { unsafe steering_close(handle) }

  /// Loads the program and gives it to the group of `descriptors`, whose order is the workers'.
  static func attach(
    _ mode: SteeringMode, to descriptors: [Int32], _ placement: Placement
  ) throws(RelayFailure) -> Outcome {
    var error = steering_error()
    var options = steering_options()
    options.slots = UInt32(descriptors.count)
    options.mode = mode == .cpu ? STEERING_BY_CPU : STEERING_BY_FLOW
    options.stay_seconds = 30
    guard let handle = unsafe steering_open(&options, &error) else {
      return try refusal(error)
    }
    let steering = unsafe Steering(handle)
    guard steering.fill(descriptors, placement, &error) else { return try refusal(error) }
    return .steering(steering)
  }

  /// Fills the slots before the program is attached, so that no datagram meets an empty one.
  private func fill(
    _ descriptors: [Int32], _ placement: Placement, _ error: inout steering_error
  ) -> Bool {
    for (slot, descriptor) in descriptors.enumerated() {
      guard unsafe steering_set_slot(handle, UInt32(slot), descriptor, &error) == 0 else {
        return false
      }
    }
    for (cpu, worker) in placement.workerOfCPU where cpu < STEERING_CPUS_MAX {
      guard unsafe steering_set_cpu(handle, UInt32(cpu), UInt32(worker), &error) == 0 else {
        return false
      }
    }
    return unsafe steering_attach(handle, descriptors[0], &error) == 0
  }

  private static func refusal(_ error: steering_error) throws(RelayFailure) -> Outcome {
    var error = error
    let sentence = unsafe String(cString: steering_error_text(&error))
    guard error.not_permitted else { throw RelayFailure(sentence) }
    return .refused(sentence)
  }

  /// Datagrams that the program has dropped in the kernel so far.
  var dropped: UInt64 {
    var counters = steering_counters()
    guard unsafe steering_read_counters(handle, &counters, nil) == 0 else { return 0 }
    return unsafe steering_dropped(&counters)
  }
}
