import Backends
import Log
import Runtime
import ServiceClient
import Session
import Signalling
import Token
import Wire

/// What a call has outside of its shard: a line to a service, and the sidebands.
struct CallTies {
  var service: ServiceLine?
  var sidebands: [SidebandLine] = []
}

extension Shard {
  /// Sidebands of one call; more are sent away.
  static let sidebandsMax = 8

  // MARK: - News

  /// What a call's line to its service tells. News of a line that was given up are nobody's.
  func handle(
    _ news: ServiceNews, from line: ServiceLine, of callID: CallID, at now: Instant,
    through loop: OpaquePointer
  ) {
    line.noteHandled(news)
    guard let slot = slots[callID], ties[callID]?.service === line else { return }
    log(news, of: callID)
    sessions[slot].handle(serviceNews: news, at: now, into: &outbox)
    unsafe drain(slot, at: now, through: loop)
  }

  private func log(_ news: ServiceNews, of callID: CallID) {
    switch news {
    case .message: break
    case .opened: log.info("service-opened", ["call": callID.logName])
    case .closed(let reason):
      log.info("service-closed", ["call": callID.logName, "detail": .text(reason)])
    case .failed(let reason):
      log.warning("service-failed", ["call": callID.logName, "detail": .text(reason)])
    }
  }

  func join(
    _ line: SidebandLine, to callID: CallID, at now: Instant, through loop: OpaquePointer
  ) {
    guard let slot = slots[callID] else {
      return webMail.post(.close(line, code: 1_000, reason: "The call has ended."))
    }
    guard ties[callID, default: CallTies()].sidebands.count < Self.sidebandsMax else {
      return webMail.post(.close(line, code: 1_013, reason: "The call has enough of these."))
    }
    ties[callID, default: CallTies()].sidebands.append(line)
    sessions[slot].clientJoined(line.client, at: now, into: &outbox)
    unsafe drain(slot, at: now, through: loop)
  }

  func handle(
    _ event: [UInt8], from line: SidebandLine, of callID: CallID, at now: Instant,
    through loop: OpaquePointer
  ) {
    line.toShard.give(event.count)
    guard let slot = slots[callID], has(line, callID) else { return }
    sessions[slot].handle(clientEvent: event, from: line.client, at: now, into: &outbox)
    unsafe drain(slot, at: now, through: loop)
  }

  func leave(
    _ line: SidebandLine, _ callID: CallID, at now: Instant, through loop: OpaquePointer
  ) {
    guard let slot = slots[callID], has(line, callID) else { return }
    ties[callID]?.sidebands.removeAll { $0 === line }
    sessions[slot].clientLeft(line.client, at: now, into: &outbox)
    unsafe drain(slot, at: now, through: loop)
  }

  private func has(_ line: SidebandLine, _ callID: CallID) -> Bool {
    ties[callID]?.sidebands.contains { $0 === line } ?? false
  }

  // MARK: - Actions

  /// Does what the answering side of a call wants done outside of its session.
  func perform(_ actions: [PartyAction], for callID: CallID) {
    for action in actions {
      switch action {
      case .openService: openService(callID)
      case .toService(let message): ties[callID]?.service?.send(message)
      case .closeService: closeService(callID)
      case .toClients(let message):
        for line in ties[callID]?.sidebands ?? [] { send(message, by: line) }
      case .toClient(.sideband(let number), let message):
        let line = ties[callID]?.sidebands.first { $0.socket.number == number }
        if let line { send(message, by: line) }
      // The data channel is the session's own, and so is the end.
      case .toClient(.channel, _), .endCall: break
      }
    }
  }

  private func openService(_ callID: CallID) {
    closeService(callID)
    guard let services else { preconditionFailure("a backend without its service was let pass") }
    ties[callID, default: CallTies()].service = services.open { [post] line, news in
      post(.service(callID, line, news))
    }
  }

  private func closeService(_ callID: CallID) {
    guard let line = ties[callID]?.service else { return }
    ties[callID]?.service = nil
    line.close()
    guard line.droppedAudio > 0 else { return }
    log.warning(
      "service-did-not-keep-up",
      ["call": callID.logName, "frames_dropped": .number(Int(line.droppedAudio))])
  }

  private func send(_ message: EventMessage, by line: SidebandLine) {
    if line.toClient.take(message.bytes.count) {
      webMail.post(.send(line, message.bytes))
    } else {
      webMail.post(.close(line, code: 1_008, reason: "Events are not read fast enough."))
    }
  }

  /// The call is over: nothing of it stays open.
  func untie(_ callID: CallID) {
    closeService(callID)
    for line in ties[callID]?.sidebands ?? [] {
      webMail.post(.close(line, code: 1_000, reason: "The call has ended."))
    }
    ties[callID] = nil
  }
}

extension SidebandLine {
  /// How the session names this client.
  var client: ClientID { .sideband(socket.number) }
}
