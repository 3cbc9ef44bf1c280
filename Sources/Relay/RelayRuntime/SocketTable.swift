import RelayCore

/// What a socket of a worker's loop is for.
enum SocketUse: BitwiseCopyable {
  /// Clients come in by it, and answers leave by it.
  case listener(RelayListener)
  /// Transceivers are sent to and heard by it.
  case trunk
  /// There is no such socket.
  case none
}

/// The sockets of a worker's loop: from the loop's index to what it is for, and from where a
/// datagram is to leave back to the index. Filled while the loop is made; look-ups allocate
/// nothing. The worker's thread alone.
@safe struct SocketTable: ~Copyable {
  /// By the loop's index.
  private let uses: UnsafeMutablePointer<SocketUse>
  private let socketsMax: Int
  /// The loop's index by `OutgoingDatagram.exit`: a listener's number or the trunk.
  private let indexes: UnsafeMutablePointer<UInt16>

  /// The exits that a datagram can name.
  private static var exits: Int { 256 }
  /// No socket's index.
  private static var nowhere: UInt16 { .max }

  /// An empty table for a loop of up to `socketsMax` sockets.
  init(socketsMax: Int) {
    self.socketsMax = socketsMax
    unsafe uses = .allocate(capacity: socketsMax)
    unsafe uses.initialize(repeating: .none, count: socketsMax)
    unsafe indexes = .allocate(capacity: Self.exits)
    unsafe indexes.initialize(repeating: Self.nowhere, count: Self.exits)
  }

  deinit {
    unsafe uses.deallocate()
    unsafe indexes.deallocate()
  }

  /// Takes a socket in that the loop has at `index`; a listener, or the trunk, has one.
  mutating func add(_ use: SocketUse, at index: Int) {
    precondition(index >= 0 && index < socketsMax)
    let exit: UInt8
    switch use {
    case .listener(let listener): exit = listener.number
    case .trunk: exit = OutgoingDatagram.trunk
    case .none: preconditionFailure("a socket is for something")
    }
    precondition(unsafe indexes[Int(exit)] == Self.nowhere, "it has a socket already")
    unsafe uses[index] = use
    unsafe indexes[Int(exit)] = UInt16(index)
  }

  /// What the socket at the loop's `index` is for.
  func use(of index: UInt16) -> SocketUse {
    precondition(Int(index) < socketsMax)
    return unsafe uses[Int(index)]
  }

  /// The loop's index of the socket by which datagrams leave by `exit`.
  @inline(__always)
  func index(for exit: UInt8) -> UInt16 {
    let index = unsafe indexes[Int(exit)]
    precondition(index != Self.nowhere, "there is no such listener")
    return index
  }

  /// The loop's index of the trunk socket.
  var trunk: UInt16 { index(for: OutgoingDatagram.trunk) }
}
