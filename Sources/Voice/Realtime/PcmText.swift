import Json
import Voice
import Wire

/// PCM as the Realtime events carry it: 16 bits, little-endian, in base64 (RFC 4648, section 4).
///
/// Not the base64 of `Token`: seconds of sound go by tables into memory that is there already, and
/// may be padded or cut. A token is a block of 22 characters that the relay opens without a branch,
/// and a client secret is a short text of another alphabet that has one spelling only.
enum PcmText {
  private static let head: StaticString = #"{"type":"input_audio_buffer.append","audio":""#
  private static let tail: StaticString = #""}"#
  private static let alphabet: StaticString =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

  /// The whole event that gives `samples` to a service. One allocation.
  static func appendEvent(_ samples: UnsafeBufferPointer<Int16>) -> [UInt8] {
    let sound = UnsafeRawBufferPointer(samples)
    let count = head.utf8CodeUnitCount + (sound.count + 2) / 3 * 4 + tail.utf8CodeUnitCount
    return unsafe [UInt8](unsafeUninitializedCapacity: count) { bytes, used in
      unsafe put(head, into: bytes, &used)
      unsafe encode(sound, into: bytes, &used)
      unsafe put(tail, into: bytes, &used)
    }
  }

  private static func put(
    _ text: StaticString, into bytes: UnsafeMutableBufferPointer<UInt8>, _ used: inout Int
  ) {
    for index in 0..<text.utf8CodeUnitCount {
      unsafe bytes[used + index] = text.utf8Start[index]
    }
    used += text.utf8CodeUnitCount
  }

  private static func encode(
    _ sound: UnsafeRawBufferPointer, into bytes: UnsafeMutableBufferPointer<UInt8>,
    _ used: inout Int
  ) {
    let letters = unsafe alphabet.utf8Start
    var offset = 0
    while offset + 3 <= sound.count {
      let bits =
        unsafe Int(sound[offset]) << 16 | Int(sound[offset + 1]) << 8 | Int(sound[offset + 2])
      unsafe bytes[used] = letters[bits >> 18]
      unsafe bytes[used + 1] = letters[bits >> 12 & 63]
      unsafe bytes[used + 2] = letters[bits >> 6 & 63]
      unsafe bytes[used + 3] = letters[bits & 63]
      offset += 3
      used += 4
    }
    let left = sound.count - offset
    guard left > 0 else { return }
    let bits = unsafe Int(sound[offset]) << 16 | (left == 2 ? Int(sound[offset + 1]) << 8 : 0)
    unsafe bytes[used] = letters[bits >> 18]
    unsafe bytes[used + 1] = letters[bits >> 12 & 63]
    unsafe bytes[used + 2] = left == 2 ? letters[bits >> 6 & 63] : UInt8(ascii: "=")
    unsafe bytes[used + 3] = UInt8(ascii: "=")
    used += 4
  }
}

/// Turns base64 into samples where it lies, a piece at a time, in memory taken once.
@safe struct PcmDecoder: ~Copyable {
  private let room: UnsafeMutableRawBufferPointer
  /// An odd byte of the text before, the first half of a sample.
  private var carried: UInt8?

  /// Bytes of sound in a piece, about: a multiple of three and of two.
  private static let pieceByteCount = 6_144
  /// The value of each ASCII character, 127 for one that is none of the alphabet.
  private static let values: StaticString = """
    \u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\
    \u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\
    \u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\
    \u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{3E}\u{7F}\u{7F}\u{7F}\u{3F}\
    \u{34}\u{35}\u{36}\u{37}\u{38}\u{39}\u{3A}\u{3B}\u{3C}\u{3D}\u{7F}\u{7F}\
    \u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{0}\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\
    \u{7}\u{8}\u{9}\u{A}\u{B}\u{C}\u{D}\u{E}\u{F}\u{10}\u{11}\u{12}\
    \u{13}\u{14}\u{15}\u{16}\u{17}\u{18}\u{19}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\
    \u{7F}\u{1A}\u{1B}\u{1C}\u{1D}\u{1E}\u{1F}\u{20}\u{21}\u{22}\u{23}\u{24}\
    \u{25}\u{26}\u{27}\u{28}\u{29}\u{2A}\u{2B}\u{2C}\u{2D}\u{2E}\u{2F}\u{30}\
    \u{31}\u{32}\u{33}\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}
    """

  init() {
    unsafe room = .allocate(byteCount: Self.pieceByteCount + 2, alignment: 16)
  }

  deinit {
    unsafe room.deallocate()
  }

  /// Another utterance begins: half a sample of the one before is of no use.
  mutating func restart() { carried = nil }

  /// Gives the samples that the base64 at `part` of `bytes` holds to `body`, in pieces. False when
  /// it is not base64 (padded or not); `body` has had what came before the defect.
  mutating func decode(
    _ part: JsonPart, of bytes: RawSpan, _ body: (UnsafeBufferPointer<Int16>) -> Void
  ) -> Bool {
    var end = part.end
    var padding = 0
    while padding < 2, end > part.offset, bytes.u8(at: end - 1) == UInt8(ascii: "=") {
      padding += 1
      end -= 1
    }
    let rest = (end - part.offset) % 4
    guard rest != 1, padding == 0 || rest + padding == 4 else { return false }
    var offset = part.offset
    while offset < end {
      let next = min(offset + Self.pieceByteCount / 3 * 4, end)
      guard unsafe decodePiece(bytes, offset, next, body) else { return false }
      offset = next
    }
    return true
  }

  private mutating func decodePiece(
    _ bytes: RawSpan, _ start: Int, _ end: Int, _ body: (UnsafeBufferPointer<Int16>) -> Void
  ) -> Bool {
    var count = 0
    if let carried {
      unsafe room[0] = carried
      count = 1
      self.carried = nil
    }
    var offset = start
    while offset + 4 <= end {
      let bits =
        value(bytes, offset) << 18 | value(bytes, offset + 1) << 12
        | value(bytes, offset + 2) << 6 | value(bytes, offset + 3)
      guard bits < 1 << 24 else { return false }
      unsafe room[count] = UInt8(truncatingIfNeeded: bits >> 16)
      unsafe room[count + 1] = UInt8(truncatingIfNeeded: bits >> 8)
      unsafe room[count + 2] = UInt8(truncatingIfNeeded: bits)
      count += 3
      offset += 4
    }
    if offset < end {
      let third = end - offset == 3 ? value(bytes, offset + 2) : 0
      let bits = value(bytes, offset) << 18 | value(bytes, offset + 1) << 12 | third << 6
      guard bits < 1 << 24 else { return false }
      unsafe room[count] = UInt8(truncatingIfNeeded: bits >> 16)
      if end - offset == 3 { unsafe room[count + 1] = UInt8(truncatingIfNeeded: bits >> 8) }
      count += end - offset - 1
    }
    if count & 1 == 1 { unsafe carried = room[count - 1] }
    let sound = unsafe UnsafeRawBufferPointer(rebasing: room[..<(count & ~1)])
    unsafe body(sound.assumingMemoryBound(to: Int16.self))
    return true
  }

  /// The six bits of a character; more than 24 when it is none, so that any shift of it shows.
  private func value(_ bytes: RawSpan, _ offset: Int) -> Int {
    let character = Int(bytes.u8(at: offset))
    guard character < 128 else { return 1 << 24 }
    let value = unsafe Int(Self.values.utf8Start[character])
    return value < 64 ? value : 1 << 24
  }
}
