package import Backends
import CWeb
import Runtime
import Synchronization

/// All connections of a transceiver to its AI service: one thread, one address, a line for each
/// call. A shard opens a line, sends through it, and is told what comes; nothing here ever blocks
/// it.
///
/// Bounds, besides those of a line: a message of 16 MiB; 128 MiB of messages of all lines that are
/// half received, and as much on the way to the shards; 2 MiB a second to read on one line, after
/// a burst of 4 MiB; 4 MiB waiting for the network on one line, of which voice may use 512 KiB
/// (8 s at 24 kHz), beside 64 KiB in the kernel; 10 s in which a service takes nothing of it.
@safe package final class ServiceHub: @unchecked Sendable {
  // @unchecked: `core` is touched by the hub's thread only, once it runs; everything else is made
  // for any thread.

  /// Of messages on their way to all shards, bytes.
  static let incomingBytesMax = 128 << 20
  static let messageBytesMax = 16 << 20
  static let queueBytesMax = 4 << 20
  static let audioQueueBytesMax = 512 << 10
  /// For TCP, TLS and the upgrade together; each of the host's addresses gets so long.
  static let connectSeconds: UInt32 = 5

  /// What the hub's thread is asked for.
  enum Letter: Sendable {
    case open(ServiceLine)
    case send(ServiceLine, ServiceMessage)
    case close(ServiceLine)
    case fail(ServiceLine, String)
    case found(HostLookup.Answer)
  }

  let incoming = ByteAllowance(limit: incomingBytesMax)
  private let core: HubCore
  private let client: OpaquePointer
  private let mailbox: Mailbox<Letter>
  private let waker: HubWaker
  private let lastNumber = Atomic<UInt64>(0)
  private var thread: HostThread?

  /// Makes the client; `start` runs it.
  package init(_ options: ServiceOptions) throws(ServiceFailure) {
    mailbox = Mailbox()
    waker = HubWaker()
    core = HubCore(options, mailbox, waker)
    var error = ws_error()
    var settings = unsafe core.settings
    let made: OpaquePointer?
    if let file = options.caFile {
      unsafe made = unsafe file.withCString { file in
        unsafe settings.ca_file = file
        return unsafe ws_client_create(&settings, &error)
      }
    } else {
      unsafe made = unsafe ws_client_create(&settings, &error)
    }
    guard let client = unsafe made else {
      throw ServiceFailure(
        description: unsafe withUnsafeBytes(of: error.text) { bytes in
          unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        })
    }
    unsafe self.client = unsafe client
    unsafe core.client = unsafe client
    unsafe waker.set(client)
  }

  deinit {
    unsafe waker.set(nil)
    unsafe core.client = nil
    unsafe ws_client_destroy(client)
  }

  package func start() {
    thread = HostThread { [self] in unsafe ws_client_run(client) }
  }

  /// Ends every connection and waits for the thread. No line may be used afterwards.
  package func stop() {
    unsafe ws_client_stop(client)
    thread?.join()
    thread = nil
  }

  /// Opens a line. `deliver` runs on the hub's thread, must not block, and gets first `opened` or
  /// `failed`, once. Whoever handles the news calls `noteHandled` on the line then.
  package func open(
    deliver: @escaping @Sendable (ServiceLine, ServiceNews) -> Void
  ) -> ServiceLine {
    let number = lastNumber.wrappingAdd(1, ordering: .relaxed).newValue
    let line = ServiceLine(self, number: number, deliver: deliver)
    post(.open(line))
    return line
  }

  func post(_ letter: Letter) {
    if mailbox.post(letter) { waker.wake() }
  }
}

/// Wakes the hub's thread as long as there is one: a lookup may end after the hub.
@safe final class HubWaker: Sendable {
  private let client = Mutex<UInt>(0)

  func set(_ client: OpaquePointer?) {
    self.client.withLock { $0 = UInt(bitPattern: client) }
  }

  func wake() {
    client.withLock { bits in
      guard let client = unsafe OpaquePointer(bitPattern: bits) else { return }
      unsafe ws_client_wake(client)
    }
  }
}
