import Trunk
import Wire

/// The trunk datagrams that a batch fills, in buffers that are allocated once: for each transceiver
/// a chain of them, of which the last takes frames.
///
/// Read out chain by chain, so that a transceiver's datagrams follow each other and, padded to one
/// length, become one message for the kernel (UDP_SEGMENT). Everything belongs to the output from
/// its sealing until `reset`. One thread.
@safe struct BundlePool: ~Copyable {
  /// A bundle's place in the chains.
  private struct Link: BitwiseCopyable {
    /// The transceiver that it is for.
    var place: Int32
    /// The chain's next bundle, or -1.
    var next: Int32
    /// Whether its chain begins here.
    var isFirst: Bool
  }

  /// One transceiver's bundles, and what its way carries.
  private struct Chain: BitwiseCopyable {
    /// The last bundle, or -1.
    var last: Int32
    /// The greatest bundle.
    var bundleBytes: UInt16
    /// The longest datagram that leaves whole.
    var wholeBytes: UInt16
  }

  private let memory: UnsafeMutableRawPointer
  private let writers: UnsafeMutablePointer<BundleWriter>
  private let links: UnsafeMutablePointer<Link>
  private let chains: UnsafeMutablePointer<Chain>
  private let transceiverCount: Int
  private let bufferBytes: Int
  private let bundleBytes: Int
  /// Bundles in use.
  private(set) var count = 0

  /// A full bundle that misses more than this of its length is not padded: a greater packet than
  /// voice is on its way, and its bundle ends the row.
  private static var slackBytes: Int { @_noLocks get { 256 } }

  /// `bufferBytes` bounds a frame that travels alone, `bundleBytes` a bundle of several.
  init(transceiverCount: Int, bufferBytes: Int, bundleBytes: Int) {
    let bundlesMax = RelayLimits.bundlesMax
    self.bufferBytes = bufferBytes
    self.bundleBytes = min(bundleBytes, bufferBytes)
    self.transceiverCount = transceiverCount
    unsafe memory = .allocate(byteCount: bundlesMax * bufferBytes, alignment: 64)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: bundlesMax * bufferBytes)
    unsafe writers = .allocate(capacity: bundlesMax)
    unsafe links = .allocate(capacity: bundlesMax)
    unsafe chains = .allocate(capacity: transceiverCount)
    let chain = Chain(
      last: -1, bundleBytes: UInt16(clamping: self.bundleBytes), wholeBytes: .max)
    unsafe chains.initialize(repeating: chain, count: transceiverCount)
  }

  deinit {
    unsafe memory.deallocate()
    unsafe writers.deallocate()
    unsafe links.deallocate()
    unsafe chains.deallocate()
  }

  /// Bundles that can still be begun before `reset`.
  var room: Int { @_noLocks get { RelayLimits.bundlesMax &- count } }

  /// Sets what the way of the transceiver at `place` carries: a bundle, and a single packet that is
  /// not to be parted. Bundles that are begun already stay as they are.
  mutating func setWay(bundleBytes: Int, wholeBytes: Int, for place: Int) {
    precondition(place >= 0 && place < transceiverCount)
    unsafe chains[place].bundleBytes = UInt16(clamping: min(bundleBytes, self.bundleBytes))
    unsafe chains[place].wholeBytes = UInt16(clamping: wholeBytes)
  }

  /// Puts a client packet into the last bundle for the transceiver at `place`. False when none is
  /// begun or this one is full: `begin` makes the next.
  @_noLocks
  mutating func append(
    _ frame: TrunkFrame, _ payload: UnsafeRawBufferPointer, for place: Int
  ) -> Bool {
    let chain = unsafe chains[place]
    let last = Int(chain.last)
    guard last >= 0 else { return false }
    let bytes = unsafe writers[last].count + frame.headerBytes + payload.count
    guard bytes <= Int(chain.bundleBytes) else { return false }
    return unsafe writers[last].append(frame, payload)
  }

  /// Begins the next bundle for `place` with a packet, which fits.
  @_noLocks
  mutating func begin(
    for place: Int, _ header: TrunkHeader, _ frame: TrunkFrame, _ payload: UnsafeRawBufferPointer
  ) {
    precondition(count < RelayLimits.bundlesMax, "no bundle is left: the runtime did not drain")
    let bundle = count
    count &+= 1
    let last = unsafe Int(chains[place].last)
    if last >= 0 {
      let full = unsafe Int(chains[place].bundleBytes)
      unsafe writers[last].pad(to: full, slack: Self.slackBytes)
      unsafe links[last].next = Int32(truncatingIfNeeded: bundle)
    }
    let buffer = unsafe UnsafeMutableRawBufferPointer(
      start: memory + bundle * bufferBytes, count: bufferBytes)
    unsafe (writers + bundle).initialize(to: BundleWriter(into: buffer, header))
    unsafe (links + bundle).initialize(
      to: Link(place: Int32(truncatingIfNeeded: place), next: -1, isFirst: last < 0))
    unsafe chains[place].last = Int32(truncatingIfNeeded: bundle)
    let isIn = unsafe writers[bundle].append(frame, payload)
    precondition(isIn, "the caller checks the length")
  }

  /// Whether the chain of the transceiver at `place(of: bundle)` begins with `bundle`.
  @_noLocks
  func isFirst(_ bundle: Int) -> Bool { unsafe links[bundle].isFirst }

  /// The bundle that follows `bundle` in its chain, or -1.
  @_noLocks
  func next(after bundle: Int) -> Int { unsafe Int(links[bundle].next) }

  /// Seals `bundle` and returns how many frames it has; it takes no more of them.
  @_noLocks
  mutating func seal(_ bundle: Int, _ key: TrunkKey?) -> Int {
    unsafe writers[bundle].seal(key)
    return unsafe writers[bundle].frames
  }

  /// Whether the sealed `bundle` is longer than its way carries, and leaves in fragments.
  @_noLocks
  func isTooLong(_ bundle: Int) -> Bool {
    unsafe writers[bundle].count > Int(chains[place(of: bundle)].wholeBytes)
  }

  /// The transceiver that `bundle` is for.
  @_noLocks
  func place(of bundle: Int) -> Int { unsafe Int(links[bundle].place) }

  /// The sealed `bundle`'s bytes.
  @_noLocks
  func datagram(_ bundle: Int) -> UnsafeRawBufferPointer { unsafe writers[bundle].datagram }

  /// Takes all buffers back: every bundle has been sent.
  @_noLocks
  mutating func reset() {
    var bundle = 0
    while bundle < count {
      unsafe chains[place(of: bundle)].last = -1
      bundle &+= 1
    }
    count = 0
  }
}
