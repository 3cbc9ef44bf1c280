package import Backends
import Runtime
import Synchronization

/// One call's connection to its service, as the call's shard holds it. When it is gone another has
/// to be opened; a line is never used twice.
package final class ServiceLine: Sendable {
  /// The most that may be on its way from the service to the shard before reading pauses, bytes.
  package static let incomingBytesMax = 1 << 20
  /// The most that may be on its way from the shard to the connection, bytes; what waits for the
  /// network is bounded by itself (`ServiceHub.audioQueueBytesMax`).
  package static let outgoingBytesMax = 1 << 20

  /// Of the messages that were delivered to this line, and to all lines.
  let incoming = ByteAllowance(limit: incomingBytesMax)
  let allIncoming: ByteAllowance
  let outgoing = ByteAllowance(limit: outgoingBytesMax)
  let number: UInt64
  let deliver: @Sendable (ServiceLine, ServiceNews) -> Void
  private let hub: ServiceHub
  private let dropped = Atomic<UInt64>(0)

  init(
    _ hub: ServiceHub, number: UInt64,
    deliver: @escaping @Sendable (ServiceLine, ServiceNews) -> Void
  ) {
    self.hub = hub
    self.number = number
    allIncoming = hub.incoming
    self.deliver = deliver
  }

  /// Frames of voice that were not sent because the service did not take them in time.
  package var droppedAudio: UInt64 { dropped.load(ordering: .relaxed) }

  /// Sends one message, in order; before `opened` it is lost. Voice is dropped, and counted, when
  /// the service does not keep up;
  /// anything else fails the line then.
  package func send(_ message: ServiceMessage) {
    if outgoing.take(message.bytes.count) {
      hub.post(.send(self, message))
    } else if message.isAudio {
      noteDropped()
    } else {
      hub.post(.fail(self, "too much waits to be sent"))
    }
  }

  /// Ends the connection in good order. No news follows, but some may be under way.
  package func close() { hub.post(.close(self)) }

  /// The shard has done with what it was told: reading may go on.
  package func noteHandled(_ news: ServiceNews) {
    guard case .message(let bytes, _) = news else { return }
    incoming.give(bytes.count)
    allIncoming.give(bytes.count)
  }

  /// A message of `count` bytes goes to the shard. Never refused: reading stops after it instead.
  func hold(_ count: Int) {
    incoming.add(count)
    allIncoming.add(count)
  }

  func noteDropped() { dropped.wrappingAdd(1, ordering: .relaxed) }
}
