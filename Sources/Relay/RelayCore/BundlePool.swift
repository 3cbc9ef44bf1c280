import Trunk
import Wire

/// The trunk datagrams that a batch fills: at most one open for each transceiver, in buffers that
/// are allocated once.
///
/// A bundle is closed, with its tag, when the next frame does not fit or the batch is over; it then
/// belongs to the output queue until `reset`. One thread.
@safe struct BundlePool: ~Copyable {
  private let memory: UnsafeMutableRawPointer
  private let writers: UnsafeMutablePointer<BundleWriter>
  /// Which transceiver each bundle in use is for.
  private let places: UnsafeMutablePointer<Int32>
  /// The open bundle of each transceiver, or -1.
  private let open: UnsafeMutablePointer<Int32>
  private let bufferBytes: Int
  private let bundleBytes: Int
  /// Bundles in use, open or closed.
  private(set) var count = 0

  /// `bufferBytes` bounds a frame that travels alone, `bundleBytes` a bundle of several.
  init(transceiverCount: Int, bufferBytes: Int, bundleBytes: Int) {
    let bundlesMax = RelayLimits.bundlesMax
    self.bufferBytes = bufferBytes
    self.bundleBytes = min(bundleBytes, bufferBytes)
    unsafe memory = .allocate(byteCount: bundlesMax * bufferBytes, alignment: 64)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: bundlesMax * bufferBytes)
    unsafe writers = .allocate(capacity: bundlesMax)
    unsafe places = .allocate(capacity: bundlesMax)
    unsafe open = .allocate(capacity: transceiverCount)
    unsafe open.initialize(repeating: -1, count: transceiverCount)
  }

  deinit {
    unsafe memory.deallocate()
    unsafe writers.deallocate()
    unsafe places.deallocate()
    unsafe open.deallocate()
  }

  /// Bundles that can still be begun before `reset`.
  var room: Int { @_noLocks get { RelayLimits.bundlesMax &- count } }

  /// The open bundle for `place`, or -1.
  @_noLocks
  func openBundle(for place: Int) -> Int { unsafe Int(open[place]) }

  /// Whether a frame of `frameBytes` still fits into `bundle`.
  @_noLocks
  func fits(_ frameBytes: Int, into bundle: Int) -> Bool {
    unsafe writers[bundle].count + frameBytes <= bundleBytes
  }

  /// Begins a bundle for `place`, which has none open.
  @_noLocks
  mutating func begin(for place: Int, _ header: TrunkHeader) -> Int {
    precondition(count < RelayLimits.bundlesMax, "no bundle is left: the runtime did not drain")
    let bundle = count
    count &+= 1
    let buffer = unsafe UnsafeMutableRawBufferPointer(
      start: memory + bundle * bufferBytes, count: bufferBytes)
    unsafe (writers + bundle).initialize(to: BundleWriter(into: buffer, header))
    unsafe (places + bundle).initialize(to: Int32(truncatingIfNeeded: place))
    unsafe open[place] = Int32(truncatingIfNeeded: bundle)
    return bundle
  }

  /// Appends one client packet to `bundle`.
  @_noLocks
  mutating func append(
    _ frame: TrunkFrame, _ payload: UnsafeRawBufferPointer, to bundle: Int
  ) {
    let isIn = unsafe writers[bundle].append(frame, payload)
    precondition(isIn, "the caller checks the length")
  }

  /// Seals `bundle` and returns how many frames it has; it takes no more of them.
  @_noLocks
  mutating func close(_ bundle: Int, _ key: TrunkKey?) -> Int {
    unsafe open[place(of: bundle)] = -1
    unsafe writers[bundle].seal(key)
    return unsafe writers[bundle].frames
  }

  /// Whether `bundle` still takes frames.
  @_noLocks
  func isOpen(_ bundle: Int) -> Bool {
    unsafe open[place(of: bundle)] == Int32(truncatingIfNeeded: bundle)
  }

  /// The transceiver that `bundle` is for.
  @_noLocks
  func place(of bundle: Int) -> Int { unsafe Int(places[bundle]) }

  /// The closed `bundle`'s bytes.
  @_noLocks
  func datagram(_ bundle: Int) -> UnsafeRawBufferPointer { unsafe writers[bundle].datagram }

  /// Takes all buffers back; every bundle is closed and has been sent.
  @_noLocks
  mutating func reset() { count = 0 }
}
