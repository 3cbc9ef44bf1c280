import CPacketLoop
import Glibc
package import Log
import Runtime
import Wire

/// Keeps a `PathTable` right, on a thread of its own: asks the kernel again four times a second,
/// and at once when it reports a change. Says once of each way that it carries less than is wanted.
@safe package final class PathWatch: @unchecked Sendable {
  // @unchecked: `stop` writes to the pipe; everything else is the thread's own.
  private let table: PathTable
  private let log: Log
  private let everyTurn: @Sendable () -> Void
  private let news: Int32
  /// A pipe's ends; something to read means the end.
  private var stopping: [Int32] = [-1, -1]
  private var thread: HostThread?
  /// The smallest bundle that was told of, by place.
  private var told: [Int: Int] = [:]
  private var next = 0

  private static let turnMilliseconds: Int32 = 250
  /// How long the kernel's next news waits.
  private static let pauseMilliseconds: Int32 = 50
  /// Ways asked for in one turn: some 10 us each.
  private static let looksPerTurn = 64

  /// - Parameter everyTurn: called by the thread, four times a second.
  package init(_ table: PathTable, log: Log, everyTurn: @escaping @Sendable () -> Void = {}) {
    self.table = table
    self.log = log
    self.everyTurn = everyTurn
    var error = pl_error()
    news = unsafe pl_path_news_open(&error)
    if news < 0 { log.warning("\(error.sentence); the trunk's ways are asked for now and then") }
    let status = unsafe pipe(&stopping)
    precondition(status == 0, "no descriptors are left: at start-up that is fatal anyway")
    for end in stopping { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
  }

  deinit {
    if news >= 0 { _ = close(news) }
    for end in stopping { _ = close(end) }
  }

  /// Once. Tells of the ways that are known by now, then starts the thread; traps when the system
  /// has none left.
  package func start() {
    say()
    thread = HostThread { [self] in run() }
  }

  /// Ends the thread; once, after `start`.
  package func stop() {
    var one: UInt8 = 1
    _ = unsafe write(stopping[1], &one, 1)
    thread?.join()
    thread = nil
  }

  private func run() {
    while true {
      var waited = [
        pollfd(fd: stopping[0], events: Int16(POLLIN), revents: 0),
        pollfd(fd: news, events: Int16(POLLIN), revents: 0),
      ]
      let count = unsafe poll(&waited, 2, Self.turnMilliseconds)
      if count > 0, waited[0].revents != 0 { return }
      if count > 0, waited[1].revents != 0, pl_path_news_read(news) {
        for place in table.places { table.look(at: place, mayGrow: true) }
        _ = unsafe poll(&waited, 1, Self.pauseMilliseconds)
      } else {
        lookAtSome()
      }
      say()
      everyTurn()
    }
  }

  private func lookAtSome() {
    let places = table.places
    for _ in 0..<min(places.count, Self.looksPerTurn) {
      next = (next + 1) % places.count
      table.look(at: places[next], mayGrow: false)
    }
  }

  /// Tells of each way that has become smaller than it was told to be.
  private func say() {
    let wanted = table.view.bundleBytesMax
    for place in table.places {
      let bytes = table.view.bundleBytes(at: place)
      guard bytes < told[place, default: wanted] else { continue }
      told[place] = bytes
      log.warning(
        "the way to a trunk's other end carries less than is wanted: packets go in more, "
          + "smaller datagrams, and longer ones in fragments",
        [
          "peer": .text(table.peer(at: place).host), "bytes": .number(bytes),
          "wanted": .number(wanted),
          "remedy": .text("a greater MTU, or --bundle-bytes \(bytes) if it is meant so"),
        ])
    }
  }
}
