package import CPacketLoop
import Glibc
import Runtime
package import Trunk
import Wire

/// Sends anew, in smaller datagrams, what the kernel found to be too long for its way. One for each
/// loop that has a trunk socket, on the loop's thread.
@safe package struct TrunkRebuilder: ~Copyable {
  private let buffer: UnsafeMutableRawBufferPointer
  private let key: TrunkKey?
  private let paths: PathView

  /// - Parameter bytesMax: the longest datagram that the trunk sends.
  package init(bytesMax: Int, key: TrunkKey?, _ paths: PathView) {
    unsafe buffer = .allocate(byteCount: bytesMax, alignment: 64)
    self.key = key
    self.paths = paths
  }

  deinit { unsafe buffer.deallocate() }

  /// After a flush, and before the memory of what was sent is used again. Whether anything was
  /// refused: then `paths` know better now.
  package func sendRefused(through loop: OpaquePointer, _ socket: UInt16) -> Bool {
    var refused = unsafe pl_refused()
    guard unsafe pl_loop_take_refused(loop, &refused) else { return false }
    repeat {
      unsafe rebuild(refused, through: loop, socket)
    } while unsafe pl_loop_take_refused(loop, &refused)
    return true
  }

  private func rebuild(_ refused: pl_refused, through loop: OpaquePointer, _ socket: UInt16) {
    let peer = unsafe TransportAddress(refused.peer)
    let place = paths.findOrAdd(peer)
    let bytes = unsafe UnsafeRawBufferPointer(start: refused.bytes, count: Int(refused.length))
    paths.refused(bytes.count, for: peer, at: place)
    guard
      var splitter = unsafe BundleSplitter(
        bytes, into: buffer, bytesMax: paths.bundleBytes(at: place), key: key)
    else { preconditionFailure("a trunk socket sends trunk datagrams") }
    while let piece = unsafe splitter.next() {
      let isWhole = piece.count <= paths.wholeBytes(at: place)
      unsafe Self.send(piece, refused.peer, through: loop, socket, isWhole: isWhole)
    }
  }

  /// Sends one datagram now; one that is too long as a whole leaves in fragments.
  package static func send(
    _ bytes: UnsafeRawBufferPointer, _ peer: pl_address, through loop: OpaquePointer,
    _ socket: UInt16, isWhole: Bool = false
  ) {
    var peer = peer
    let first = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    let length = UInt32(bytes.count)
    if isWhole, unsafe pl_loop_send_now(loop, socket, first, length, &peer, false) != EMSGSIZE {
      return
    }
    _ = unsafe pl_loop_send_now(loop, socket, first, length, &peer, true)
  }
}
