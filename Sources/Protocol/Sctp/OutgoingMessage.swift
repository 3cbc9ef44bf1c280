internal import Wire

/// One message on its way to the peer; its chunks point into it.
final class OutgoingMessage {
  /// What a message costs beside its bytes, so that empty ones have a bound as well.
  static let overheadBytes = 64

  let stream: UInt16
  let protocolID: UInt32
  let bytes: [UInt8]
  let isUnordered: Bool
  /// Retransmissions of one chunk after which the message is given up; nil for no limit.
  let retransmissionsMax: UInt32?
  /// When the message is given up; `.never` for not at all.
  let deadline: Instant

  /// The stream's number, set with the first chunk.
  var sequence: UInt16 = 0
  var fragmentedBytes = 0
  var chunksOutstanding = 0
  var isAbandoned = false

  init(
    stream: UInt16, protocolID: UInt32, bytes: [UInt8], isUnordered: Bool = false,
    retransmissionsMax: UInt32? = nil, deadline: Instant = .never
  ) {
    self.stream = stream
    self.protocolID = protocolID
    self.bytes = bytes
    self.isUnordered = isUnordered
    self.retransmissionsMax = retransmissionsMax
    self.deadline = deadline
  }

  var costBytes: Int { bytes.count + Self.overheadBytes }
  var isFragmented: Bool { isAbandoned || fragmentedBytes == bytes.count }
}

/// One DATA chunk that has a TSN and is not yet below the peer's cumulative TSN.
struct OutgoingChunk {
  enum State { case inFlight, toRetransmit, acked, abandoned }

  let message: OutgoingMessage
  let start: Int
  let count: Int
  var state: State
  var transmissions: UInt32 = 0
  /// Gap reports that went past this chunk (RFC 9260, section 7.2.4).
  var misses = 0

  var isLast: Bool { start + count == message.bytes.count }
  /// I, U, B and E; `immediately` asks for a SACK without delay (RFC 7053).
  func flags(immediately: Bool) -> UInt8 {
    (immediately ? 8 : 0) | (message.isUnordered ? 4 : 0) | (start == 0 ? 2 : 0) | (isLast ? 1 : 0)
  }
}

/// A chunk to be written now.
struct ChunkToSend {
  let tsn: UInt32
  let flags: UInt8
  let chunk: OutgoingChunk

  static let headerBytes = 16
}

/// What waits on one stream, and its next number.
struct OutgoingStream {
  var messages = Fifo<OutgoingMessage>()
  var nextSequence: UInt16 = 0
}
