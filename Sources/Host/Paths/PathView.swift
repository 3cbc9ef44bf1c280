import CPacketLoop
import Runtime
import Synchronization
package import Wire

/// The ways of a trunk as the packet path sees them: addresses of peers, each with what its way
/// carries. Owned by a `PathTable`, which outlives it. Any thread; no lock, and nothing allocated.
@safe package struct PathView: @unchecked Sendable, BitwiseCopyable {
  // @unchecked: everything behind the pointers is atomic.

  /// One peer's address, whatever its port.
  struct Slot: ~Copyable {
    /// 0: free; 1: being written; 2: there.
    let state = Atomic<UInt32>(0)
    let high = Atomic<UInt64>(0)
    let low = Atomic<UInt64>(0)
    /// What the way carries.
    let bytes = Atomic<UInt32>(0)
    /// The longest datagram that has come from there since somebody asked.
    let longest = Atomic<UInt32>(0)
  }

  struct Head: ~Copyable {
    /// Goes up with each change of a slot's `bytes`.
    let generation = Atomic<UInt64>(1)
    let count = Atomic<Int>(0)
  }

  let slots: UnsafeMutablePointer<Slot>
  let head: UnsafeMutablePointer<Head>
  let slotsMask: Int
  let pathsMax: Int
  let local: TransportAddress
  /// The greatest bundle that is wanted, in bytes of UDP payload.
  package let bundleBytesMax: Int

  /// Goes up whenever a way has changed.
  @inline(__always)
  package var generation: UInt64 { unsafe head.pointee.generation.load(ordering: .acquiring) }

  /// The place of a peer's address, or -1.
  package func find(_ peer: TransportAddress) -> Int {
    var index = home(of: peer)
    // Ends: half the slots at least are free.
    while true {
      switch unsafe slots[index].state.load(ordering: .acquiring) {
      case 0: return -1
      case 2 where unsafe slots[index].low.load(ordering: .relaxed) == peer.low:
        if unsafe slots[index].high.load(ordering: .relaxed) == peer.high { return index }
      default: break
      }
      index = (index &+ 1) & slotsMask
    }
  }

  /// The place of a peer's address, which is taken in when it is new: then the kernel is asked for
  /// its way, some microseconds. -1 when there are too many.
  package func findOrAdd(_ peer: TransportAddress) -> Int {
    let known = find(peer)
    if known >= 0 { return known }
    guard unsafe head.pointee.count.load(ordering: .relaxed) < pathsMax else { return -1 }
    var index = home(of: peer)
    // Two threads at once may take in the same one; both places are right.
    while unsafe !slots[index].state.compareExchange(
      expected: 0, desired: 1, ordering: .acquiring
    ).exchanged {
      index = (index &+ 1) & slotsMask
    }
    unsafe head.pointee.count.add(1, ordering: .relaxed)
    unsafe slots[index].high.store(peer.high, ordering: .relaxed)
    unsafe slots[index].low.store(peer.low, ordering: .relaxed)
    let told = ask(peer)
    let bytes = told == 0 ? PathSize.unknown : told
    unsafe slots[index].bytes.store(UInt32(bytes), ordering: .relaxed)
    unsafe slots[index].state.store(2, ordering: .releasing)
    return index
  }

  /// The greatest bundle for the way at `index`, or for one that is not known (-1).
  package func bundleBytes(at index: Int) -> Int { min(bundleBytesMax, bytes(at: index)) }

  /// The longest datagram that leaves whole; a packet that is longer leaves in fragments.
  package func wholeBytes(at index: Int) -> Int {
    bundleBytesMax < PathSize.usual ? bundleBytes(at: index) : bytes(at: index)
  }

  /// The kernel has refused `length` bytes for `peer`, at `index`: the way is smaller at once.
  package func refused(_ length: Int, for peer: TransportAddress, at index: Int) {
    guard index >= 0 else { return }
    let current = bytes(at: index)
    guard current >= length else { return }  // it was made before somebody found that out
    set(
      PathSize.afterRefusal(of: length, told: ask(peer), current: current), at: index)
  }

  /// A datagram of so many bytes has come from the peer at `index`.
  package func note(arrival length: Int, at index: Int) {
    guard index >= 0, unsafe UInt32(length) > slots[index].longest.load(ordering: .relaxed) else {
      return
    }
    unsafe slots[index].longest.store(UInt32(length), ordering: .relaxed)
  }

  func bytes(at index: Int) -> Int {
    guard index >= 0 else { return PathSize.unknown }
    return unsafe Int(slots[index].bytes.load(ordering: .relaxed))
  }

  func set(_ bytes: Int, at index: Int) {
    guard bytes != self.bytes(at: index) else { return }
    unsafe slots[index].bytes.store(UInt32(bytes), ordering: .relaxed)
    unsafe head.pointee.generation.add(1, ordering: .releasing)
  }

  /// What the kernel says of the way, 0 for nothing.
  func ask(_ peer: TransportAddress) -> Int {
    var from = pl_address(local)
    var to = pl_address(peer)
    if to.port == 0 { to.port = 9 }  // the way is asked for, and nothing sent
    return unsafe Int(pl_path_bytes(&from, &to))
  }

  private func home(of peer: TransportAddress) -> Int {
    let mixed = (peer.low ^ peer.high &* 0x9E37_79B9_7F4A_7C15) &* 0xD6E8_FEB8_6659_FD93
    return Int(truncatingIfNeeded: mixed >> 32) & slotsMask
  }
}
