import Backends
import Session
import Token
import Wire

// What a call has outside of its shard: a connection to a service, and connections of clients
// beside the call.
extension Shard {
  /// Connections beside one call; more are sent away.
  package static let clientsMax = 8

  // MARK: - In

  /// What a call's connection to its service tells. Events of one that was given up are nobody's.
  mutating func take(_ event: ServiceNews, from service: ServiceID, at now: Instant) {
    guard let slot = calls.slot(service) else { return }
    let call = calls[slot]
    if let noted = CallEvent(event) { effects.append(.event(call.callID, noted)) }
    call.session.handle(serviceNews: event, at: now, into: &outbox)
    drain(slot, at: now)
  }

  mutating func join(_ client: UInt32, _ callID: CallID, at now: Instant) {
    guard let slot = calls.slot(callID) else {
      return effects.append(.closeClient(client, code: 1_000, reason: Self.endedText))
    }
    let call = calls[slot]
    guard call.clients.count < Self.clientsMax else {
      return effects.append(
        .closeClient(client, code: 1_013, reason: "The call has enough of these."))
    }
    call.clients.append(client)
    call.session.clientJoined(.sideband(client), at: now, into: &outbox)
    drain(slot, at: now)
  }

  mutating func take(
    _ event: [UInt8], from client: UInt32, of callID: CallID, at now: Instant
  ) {
    guard let slot = calls.slot(callID), calls[slot].clients.contains(client) else { return }
    calls[slot].session.handle(clientEvent: event, from: .sideband(client), at: now, into: &outbox)
    drain(slot, at: now)
  }

  mutating func leave(_ client: UInt32, _ callID: CallID, at now: Instant) {
    guard let slot = calls.slot(callID), calls[slot].clients.contains(client) else { return }
    let call = calls[slot]
    call.clients.removeAll { $0 == client }
    call.session.clientLeft(.sideband(client), at: now, into: &outbox)
    drain(slot, at: now)
  }

  // MARK: - Out

  /// Turns what the answering side of a call wants done outside of its session into effects.
  mutating func heed(_ actions: [PartyAction], of call: Call, at slot: CallTable.Slot) {
    for action in actions {
      switch action {
      case .openService: openService(for: call, at: slot)
      case .toService(let message):
        if let service = call.service { effects.append(.toService(service, message)) }
      case .closeService: closeService(of: call)
      case .toClients(let message):
        for client in call.clients { effects.append(.toClient(client, message)) }
      case .toClient(.sideband(let client), let message):
        if call.clients.contains(client) { effects.append(.toClient(client, message)) }
      // The data channel is the session's own, and so is the end.
      case .toClient(.channel, _), .endCall: break
      }
    }
  }

  private mutating func openService(for call: Call, at slot: CallTable.Slot) {
    closeService(of: call)
    servicesOpened &+= 1
    let service = ServiceID(slot: UInt32(slot), number: servicesOpened)
    call.service = service
    effects.append(.openService(service, call.callID))
  }

  mutating func closeService(of call: Call) {
    guard let service = call.service else { return }
    call.service = nil
    effects.append(.closeService(service, call.callID))
  }
}

extension CallEvent {
  /// What of a service's connection is worth a log line.
  fileprivate init?(_ event: ServiceNews) {
    switch event {
    case .message: return nil
    case .opened: self = .serviceOpened
    case .closed(let reason): self = .serviceClosed(reason)
    case .failed(let reason): self = .serviceFailed(reason)
    }
  }
}
