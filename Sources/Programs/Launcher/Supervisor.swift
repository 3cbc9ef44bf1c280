import CProcess
import Glibc
import Runtime
import Settings

/// Owns the programs of one run: waits until all are ready, then until one ends or somebody asks
/// to stop, and leaves none of them running.
struct Supervisor {
  private var running: [ChildProcess] = []
  private let stopDescriptor: Int32
  private let terminal = StartTerminal()
  private let refuseHangUp: () -> Void

  /// What ends a run.
  enum Outcome: Equatable {
    /// SIGINT or SIGTERM came, or the terminal is gone that this process was started from.
    case stopRequested
    /// A program ended by itself; the text says which and how.
    case programEnded(String)
    /// Not all programs were ready within the time; the text says which were not.
    case notReady(String)
  }

  /// `stopDescriptor` comes from `cp_stop_signals`. `refuseHangUp` is told of each SIGHUP that
  /// means nothing.
  init(stopDescriptor: Int32, refuseHangUp: @escaping () -> Void) {
    self.stopDescriptor = stopDescriptor
    self.refuseHangUp = refuseHangUp
  }

  /// Takes a program that has just been started.
  mutating func own(_ program: ChildProcess) { running.append(program) }

  /// Waits until every program has said that it is ready; nil when they all have.
  mutating func waitUntilReady(timeoutMilliseconds: Int) -> Outcome? {
    var waiting = running
    let deadline = Self.nowMilliseconds() + timeoutMilliseconds
    while !waiting.isEmpty {
      let left = deadline - Self.nowMilliseconds()
      guard left > 0 else {
        let names = waiting.map(\.name).joined(separator: " and ")
        return .notReady("\(names) was not ready within \(timeoutMilliseconds / 1000) s")
      }
      switch nextEvent(timeoutMilliseconds: left) {
      case .stop: return .stopRequested
      case .spoke(let program): waiting.removeAll { $0.pid == program.pid }
      case .closed(let program): return .programEnded(reap(program) + " before it was ready")
      case nil: continue
      }
    }
    return nil
  }

  /// Waits until a program ends or a stop is asked for.
  mutating func waitUntilEnd() -> Outcome {
    while true {
      switch nextEvent(timeoutMilliseconds: -1) {
      case .stop: return .stopRequested
      case .closed(let program): return .programEnded(reap(program))
      case .spoke, nil: continue
      }
    }
  }

  /// Asks every program to stop, and kills what has not stopped after the grace time. Returns the
  /// names of those that had to be killed.
  mutating func stopAll(graceMilliseconds: Int) -> [String] {
    for program in running { kill(program.pid, SIGTERM) }
    let deadline = Self.nowMilliseconds() + graceMilliseconds
    while !running.isEmpty, deadline > Self.nowMilliseconds() {
      let left = deadline - Self.nowMilliseconds()
      let event = nextEvent(timeoutMilliseconds: max(left, 1), heedsStop: false)
      if case .closed(let program) = event { _ = reap(program) }
    }
    let stubborn = running.map(\.name)
    for program in running {
      kill(program.pid, SIGKILL)
      _ = reap(program)
    }
    return stubborn
  }

  /// Takes the end of a program that has closed its ready descriptor.
  private mutating func reap(_ program: ChildProcess) -> String {
    let ending = program.ending()
    close(program.readyDescriptor)
    running.removeAll { $0.pid == program.pid }
    return "\(program.name) (pid \(program.pid)) \(ending)"
  }

  private enum Event {
    case stop
    case spoke(ChildProcess)
    case closed(ChildProcess)
  }

  /// The first thing that happens; nil after the time, or for what is nothing.
  private func nextEvent(timeoutMilliseconds: Int, heedsStop: Bool = true) -> Event? {
    var descriptors = running.map {
      pollfd(fd: $0.readyDescriptor, events: Int16(POLLIN), revents: 0)
    }
    descriptors.append(
      pollfd(fd: heedsStop ? stopDescriptor : -1, events: Int16(POLLIN), revents: 0))
    let limit = Int32(clamping: timeoutMilliseconds)
    guard unsafe poll(&descriptors, nfds_t(descriptors.count), limit) > 0 else { return nil }
    if descriptors[running.count].revents != 0 {
      switch cp_next_signal(stopDescriptor) {
      case 0: return nil
      case SIGHUP: return hangUp()
      default: return .stop
      }
    }
    for (program, descriptor) in zip(running, descriptors) where descriptor.revents != 0 {
      var line = [UInt8](repeating: 0, count: 256)
      let count = unsafe read(program.readyDescriptor, &line, line.count)
      return count > 0 ? .spoke(program) : .closed(program)
    }
    return nil
  }

  /// A shell that ends sends SIGHUP a moment before its terminal goes.
  private func hangUp() -> Event? {
    var entry = pollfd(fd: stopDescriptor, events: Int16(POLLIN), revents: 0)
    if terminal.mayGo, !terminal.isGone,
      unsafe poll(&entry, 1, Int32(StartTerminal.graceMilliseconds)) > 0,
      ![0, SIGHUP].contains(cp_next_signal(stopDescriptor))
    {
      return .stop
    }
    guard !terminal.isGone else { return .stop }
    refuseHangUp()
    return nil
  }

  private static func nowMilliseconds() -> Int {
    var now = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
  }
}
