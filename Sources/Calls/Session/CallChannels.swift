import Backends
package import Sctp
import Wire

/// What the two ends have agreed on for the data channels of a call (RFC 8841).
package struct ChannelParameters: Hashable, Sendable {
  /// The SCTP ports, `a=sctp-port`.
  package var port: UInt16 = 5_000
  package var peerPort: UInt16 = 5_000
  /// The longest message of the client that we have said to take, bytes.
  package var messageBytesMax = 262_144
  /// The longest message that the client takes, bytes; 0 for no limit.
  package var peerMessageBytesMax = 65_536
  /// What the channel of the events is called by clients that call it by its name.
  package var eventLabel: String

  package init(eventLabel: String) {
    self.eventLabel = eventLabel
  }
}

/// What a call's data channels have carried.
package struct ChannelFigures: Equatable, Sendable {
  /// Channels that the client has opened.
  package var opened: UInt64 = 0
  /// Messages on the channel of the events.
  package var eventsReceived: UInt64 = 0
  package var eventsSent: UInt64 = 0
  /// Events that were not sent because they are longer than the client takes.
  package var eventsTooLong: UInt64 = 0
  /// Messages that nobody here listens to: those of other channels than that of the events.
  package var messagesIgnored: UInt64 = 0
  /// 1 when the client did not read, and lost its channels for it.
  package var cutOffs: UInt64 = 0
  /// Of the association itself.
  package var association: SctpFigures?
}

/// The data channels of a call (RFC 8831): one SCTP association inside the call's DTLS.
///
/// Events go by one of them: the first that the client opens, whatever it is called, or the first
/// with the agreed label, which takes over from one with another. A channel without DCEP (the
/// client's `negotiated`) opens with its first message. A client that waits for our first event
/// instead, on a channel of which nobody can know, is met half-way: when none has opened a moment
/// after the association, the events begin on stream 0, and go elsewhere when a channel opens.
///
/// The client's choice of order and reliability holds for events both ways, and they may come as
/// text or as binary messages. Other channels are accepted, so that a client which has
/// more than we know of is not disturbed; what comes by them is counted and dropped, and nothing is
/// said.
///
/// The association is no part of the voice's path. When a client aborts it, shuts it down or falls
/// silent in it, the channels are gone and the call goes on: who leaves altogether says so by DTLS
/// (close_notify), or by the end of consent. Nothing opens again in the same call (RFC 8831 knows
/// one association for each DTLS connection).
///
/// What waits for a client is bounded by the association's send buffer. Who does not read until
/// that is full loses the association, and the call goes on as one without channels.
final class CallChannels {
  /// Room for four of the longest messages that most clients take.
  static let sendBufferBytesMax = 1 << 20
  /// Packets in one go. More would crowd the voice out of the outbox and the path.
  static let packetsPerTurnMax = 16
  /// When nobody has opened a channel for so long, stream 0 is taken for one that was agreed on. A
  /// client that announces its channels does so as the association comes up.
  static let silenceMilliseconds: UInt64 = 500
  private static let assumedStream: UInt16 = 0

  /// What a session has to act on.
  enum News {
    /// The channel of the events is open; the first one, or one instead of another.
    case opened
    /// The client has shown that it knows of the channel that is open, called so.
    case used(label: [UInt8])
    case event([UInt8])
    case closed
    /// All channels are gone.
    case lost(String)
  }

  private let association: SctpAssociation
  private let eventLabel: [UInt8]
  private var eventChannel: SctpChannel?
  /// The client has not shown yet that it knows of the channel of the events.
  private var isAssumed = false
  /// When to take a channel for agreed on, and whether the association is about to tell of it.
  private var assumeAt = Instant.never
  private var isGuess = false
  /// What follows what was told last.
  private var pending: News?
  private var counts = ChannelFigures()
  private var abandonment: String?
  var pump = SctpPump()

  init(
    _ agreed: ChannelParameters, parity: SctpStreamParity,
    random: inout some RandomNumberGenerator, at now: Instant
  ) {
    var parameters = SctpParameters(streamParity: parity)
    parameters.port = agreed.port
    parameters.peerPort = agreed.peerPort
    parameters.messageBytesMax = agreed.messageBytesMax
    parameters.peerMessageBytesMax = agreed.peerMessageBytesMax
    parameters.sendBufferBytesMax = Self.sendBufferBytesMax
    association = SctpAssociation(parameters, random: &random)
    eventLabel = Array(agreed.eventLabel.utf8)
    // The client begins as well. Whichever INIT arrives serves, so that one that is lost costs
    // less than the client's second.
    association.start(at: now)
  }

  var figures: ChannelFigures {
    var figures = counts
    figures.association = association.figures
    return figures
  }

  // MARK: - Time and packets

  var deadline: Instant { min(association.deadline, min(pump.resumeAt, assumeAt)) }

  func handleTimeout(at now: Instant) {
    if assumeAt <= now {
      assumeAt = .never
      isGuess = true
      _ = association.openNegotiated(stream: Self.assumedStream)
    }
    if association.deadline <= now { association.handleTimeout(at: now) }
    pump.noteChange()
  }

  /// Takes one packet that DTLS has brought; any bytes may come.
  func receive(_ packet: RawSpan, at now: Instant) {
    _ = association.handle(packet, at: now)
    pump.noteChange()
  }

  /// Writes the next packet into `buffer`, of 1,200 bytes or more; nil when there is none now.
  func nextPacket(into buffer: UnsafeMutableRawBufferPointer, at now: Instant) -> Int? {
    unsafe association.nextPacket(into: buffer, at: now)
  }

  /// Ends them because nothing carries them any more; the text says why.
  func abandon(_ reason: String) {
    abandonment = reason
    association.abort()
  }

  // MARK: - Events

  /// Sends an event to the client, if there is a channel for it. False when it is longer than
  /// `eventBytesMax`.
  func send(_ event: EventMessage, at now: Instant) -> Bool {
    guard let stream = eventChannel?.stream else { return true }
    pump.noteChange()
    switch association.send(event.bytes, on: stream, kind: .text, at: now) {
    case .queued: counts.eventsSent &+= 1
    case .tooLong:
      counts.eventsTooLong &+= 1
      return false
    case .full:
      counts.cutOffs &+= 1
      association.abort()
    // The association tells of it by itself.
    case .noChannel, .ended: break
    }
    return true
  }

  /// The longest event that can be sent, bytes.
  var eventBytesMax: Int { association.sendableBytesMax }

  /// The next thing to act on; nil when there is none.
  func nextNews(at now: Instant) -> News? {
    if let news = pending {
      pending = nil
      return news
    }
    while let event = association.nextEvent() {
      if let news = read(event, at: now) { return news }
    }
    return nil
  }

  private func read(_ event: SctpEvent, at now: Instant) -> News? {
    switch event {
    case .associationUp:
      assumeAt = now.advanced(byMilliseconds: Self.silenceMilliseconds)
      return nil
    case .sendBufferFree: return nil
    case .channelOpened(let channel): return open(channel)
    case .message(let stream, _, let bytes):
      guard let channel = eventChannel, stream == channel.stream else {
        counts.messagesIgnored &+= 1
        return nil
      }
      counts.eventsReceived &+= 1
      guard isAssumed else { return .event(bytes) }
      isAssumed = false
      counts.opened &+= 1
      pending = .event(bytes)
      return .used(label: channel.name)
    case .channelClosed(let stream):
      guard stream == eventChannel?.stream else { return nil }
      eventChannel = nil
      return .closed
    case .associationLost(let loss):
      eventChannel = nil
      let reason = abandonment ?? loss.reason(peer: "the client")
      return .lost(counts.cutOffs > 0 ? "the client does not read its events" : reason)
    }
  }

  private func open(_ channel: SctpChannel) -> News? {
    assumeAt = .never
    if isGuess, channel.isNegotiated, channel.stream == Self.assumedStream {
      (isGuess, isAssumed, eventChannel) = (false, true, channel)
      return .opened
    }
    if channel.stream == eventChannel?.stream, !isAssumed {
      // A message of it overtook its announcement.
      eventChannel = channel
      return nil
    }
    counts.opened &+= 1
    if let current = eventChannel, !isAssumed {
      guard channel.label == eventLabel, current.label != eventLabel else { return nil }
    }
    (isAssumed, eventChannel) = (false, channel)
    pending = .opened
    return .used(label: channel.name)
  }
}

extension SctpChannel {
  /// For the log.
  fileprivate var name: [UInt8] {
    isNegotiated ? Array("(negotiated, id \(stream))".utf8) : label
  }
}
