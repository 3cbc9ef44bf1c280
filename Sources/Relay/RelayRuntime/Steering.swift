import CSteering

/// The kernel's program that spreads one listener's datagrams over the workers.
///
/// Used by the main thread alone. The kernel keeps the program until the group's last socket is
/// closed.
@safe final class Steering {
  private let handle: OpaquePointer

  /// How long a flow that is silent keeps its worker in `cpu` mode. As long as a client may be
  /// silent before its consent ends (RFC 7675, section 5.1).
  static let staySeconds = 30

  /// What became of the wish to steer.
  enum Outcome {
    case steering(Steering)
    /// BPF is refused to us; the sentence says why. The kernel's own hash goes on.
    case refused(String)
  }

  private init(_ handle: OpaquePointer) { unsafe self.handle = handle }

  deinit { unsafe steering_close(handle) }

  /// What the program is told for a relay of these options.
  static func options(_ relay: RelayOptions) -> steering_options {
    var options = steering_options()
    options.slots = UInt32(relay.workers)
    options.mode = relay.steering == .cpu ? STEERING_BY_CPU : STEERING_BY_FLOW
    options.flows = UInt32(min(relay.routesMax * relay.workers, Int(STEERING_FLOWS_MAX)))
    options.stay_seconds = UInt32(staySeconds)
    return options
  }

  /// Loads the program and gives it to the group of `descriptors`, whose order is the workers'.
  static func attach(
    _ relay: RelayOptions, to descriptors: [Int32], _ placement: Placement
  ) throws(RelayFailure) -> Outcome {
    var error = steering_error()
    var options = options(relay)
    guard let handle = unsafe steering_open(&options, &error) else {
      return try refusal(error)
    }
    let steering = unsafe Steering(handle)
    guard steering.fill(descriptors, placement, &error) else { return try refusal(error) }
    return .steering(steering)
  }

  /// Tries whether the kernel would take the program, and lets go of it.
  static func probe(_ relay: RelayOptions) -> SteeringState {
    guard relay.steering != .kernel else { return .works }
    var error = steering_error()
    var options = options(relay)
    guard let handle = unsafe steering_open(&options, &error) else {
      return .refused(unsafe String(cString: steering_error_text(&error)))
    }
    unsafe steering_close(handle)
    return .works
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

  /// What the program has done so far.
  var counters: steering_counters {
    var counters = steering_counters()
    _ = unsafe steering_read_counters(handle, &counters, nil)
    return counters
  }
}

/// Whether the kernel takes the steering program from us.
package enum SteeringState: Sendable, Equatable {
  case works
  /// It does not, for this reason.
  case refused(String)

  var refusal: String? {
    if case .refused(let sentence) = self { sentence } else { nil }
  }

  /// What spreads the datagrams, in one word.
  func mechanism(_ wanted: SteeringMode) -> String {
    switch (wanted, self) {
    case (.kernel, _): "kernel"
    case (_, .works): "ebpf"
    case (.cpu, .refused): "so_incoming_cpu"
    case (.flow, .refused): "kernel"
    }
  }

  /// What spreads the datagrams.
  func text(_ wanted: SteeringMode) -> String {
    switch (wanted, self) {
    case (.kernel, _): "kernel: the kernel's own hash"
    case (_, .works): "\(wanted.rawValue), by eBPF"
    case (_, .refused): "\(wanted.rawValue) is wanted; eBPF is refused: \(Self.fallback(wanted))"
    }
  }

  /// What spreads them where eBPF is refused.
  static func fallback(_ wanted: SteeringMode) -> String {
    wanted == .cpu
      ? "the kernel's own hash, with SO_INCOMING_CPU: the worker of the receiving CPU, if any"
      : "the kernel's own hash: a worker that ends moves flows of the others"
  }
}
