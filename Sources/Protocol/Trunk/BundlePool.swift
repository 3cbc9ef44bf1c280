internal import Wire

/// The trunk datagrams that a batch or a turn fills, in buffers that are allocated once: for each
/// peer (a transceiver shard, or a relay's worker) a chain of them, of which the last takes frames.
///
/// Peers are named by places, small numbers of the owner's choice. Read out chain by chain, so that
/// a peer's datagrams follow each other and, padded to one length, become one message for the
/// kernel (UDP_SEGMENT). Everything belongs to the output from its sealing until `reset`. After
/// `init` nothing allocates, retains or locks. One thread.
@safe package struct BundlePool: ~Copyable {
  /// A bundle's place in the chains.
  private struct Link: BitwiseCopyable {
    /// The peer that it is for.
    var place: Int32
    /// The chain's next bundle, or -1.
    var next: Int32
    /// Whether its chain begins here.
    var isFirst: Bool
  }

  /// One peer's bundles, and what its way carries.
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
  private let placeCount: Int
  private let bundlesMax: Int
  private let bufferBytes: Int
  private let bundleBytes: Int
  /// Bundles in use.
  package private(set) var count = 0

  /// A full bundle that misses more than this of its length is not padded: a greater packet than
  /// voice is on its way, and its bundle ends the row.
  private static var slackBytes: Int { @_noLocks get { 256 } }

  /// - Parameters:
  ///   - placeCount: peers; their places are 0..<placeCount.
  ///   - bundlesMax: bundles of one batch.
  ///   - bufferBytes: bounds a frame that travels alone, in bytes of UDP payload.
  ///   - bundleBytes: bounds a bundle of several frames, where `setWay` says nothing else.
  package init(placeCount: Int, bundlesMax: Int, bufferBytes: Int, bundleBytes: Int) {
    precondition(placeCount >= 0 && bundlesMax > 0, "a pool without bundles")
    precondition(bufferBytes <= Int(UInt16.max), "no UDP datagram is that long")
    self.bundlesMax = bundlesMax
    self.bufferBytes = bufferBytes
    self.bundleBytes = min(bundleBytes, bufferBytes)
    self.placeCount = placeCount
    unsafe memory = .allocate(byteCount: bundlesMax * bufferBytes, alignment: 64)
    unsafe writers = .allocate(capacity: bundlesMax)
    unsafe links = .allocate(capacity: bundlesMax)
    unsafe chains = .allocate(capacity: placeCount)
    let chain = Chain(
      last: -1, bundleBytes: UInt16(clamping: self.bundleBytes), wholeBytes: .max)
    unsafe chains.initialize(repeating: chain, count: placeCount)
  }

  deinit {
    unsafe memory.deallocate()
    unsafe writers.deallocate()
    unsafe links.deallocate()
    unsafe chains.deallocate()
  }

  /// Bundles that can still be begun before `reset`.
  package var room: Int { @_noLocks get { bundlesMax &- count } }

  /// Sets what the way of the peer at `place` carries: a bundle, and a single packet that is
  /// not to be parted. Bundles that are begun already stay as they are.
  package mutating func setWay(bundleBytes: Int, wholeBytes: Int, for place: Int) {
    precondition(place >= 0 && place < placeCount)
    unsafe chains[place].bundleBytes = UInt16(clamping: min(bundleBytes, self.bundleBytes))
    unsafe chains[place].wholeBytes = UInt16(clamping: wholeBytes)
  }

  /// Puts a client packet into the last bundle for the peer at `place`. False when none is
  /// begun or this one is full: `begin` makes the next.
  @_noLocks
  package mutating func append(
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
  package mutating func begin(
    for place: Int, _ header: TrunkHeader, _ frame: TrunkFrame, _ payload: UnsafeRawBufferPointer
  ) {
    precondition(count < bundlesMax, "no bundle is left: the runtime did not drain")
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

  /// A bundle that takes no more frames, ready to be sent.
  @safe package struct Sealed: BitwiseCopyable {
    /// The bundle's bytes; valid until `reset`.
    package let datagram: UnsafeRawBufferPointer
    /// Client packets in it.
    package let frames: Int
    /// It is longer than its way carries, and leaves in fragments.
    package let isTooLong: Bool
    /// The peer that it is for.
    package let place: Int
    /// The bundle that follows it in its chain, or -1.
    package let next: Int
  }

  /// The first bundle of the first chain that begins with `bundle` or later; -1 when there is none.
  @_noLocks
  package func firstOfChain(from bundle: Int) -> Int {
    var bundle = bundle
    while bundle < count {
      if unsafe links[bundle].isFirst { return bundle }
      bundle &+= 1
    }
    return -1
  }

  /// Seals `bundle`; without a key its tag stays zero.
  @_noLocks
  package mutating func seal(_ bundle: Int, _ key: TrunkKey?) -> Sealed {
    precondition(bundle >= 0 && bundle < count)
    unsafe writers[bundle].seal(key)
    let link = unsafe links[bundle]
    let datagram = unsafe writers[bundle].datagram
    let longest = unsafe Int(chains[Int(link.place)].wholeBytes)
    return unsafe Sealed(
      datagram: datagram, frames: writers[bundle].frames, isTooLong: datagram.count > longest,
      place: Int(link.place), next: Int(link.next))
  }

  /// Takes all buffers back: every bundle has been sent.
  @_noLocks
  package mutating func reset() {
    var bundle = 0
    while bundle < count {
      unsafe chains[Int(links[bundle].place)].last = -1
      bundle &+= 1
    }
    count = 0
  }
}
