import Backends
import Json
import Voice
import Wire

extension RealtimeBackend {
  /// Takes a message of the service: sound to the pacer, all else to the clients.
  func take(serviceMessage bytes: [UInt8], isText: Bool, at now: Instant, pacer: inout Pacer) {
    if isText, bytes.count <= ClientEvent.byteCountMax, makesSense(bytes, at: now, &pacer) {
      noteSense()
    } else {
      noteGarbage(at: now)
    }
  }

  private func makesSense(_ bytes: [UInt8], at now: Instant, _ pacer: inout Pacer) -> Bool {
    let span = unsafe bytes.span.bytes
    guard let members = JsonText.members(of: span), let type = members.value("type", in: span),
      type.kind == .string
    else { return false }
    let kind = ServiceEvent(type, in: span)
    if kind == .audioDelta { return takeSound(members, span, at: now, pacer: &pacer) }
    if kind == .error, isAboutOurs(members, span) { return true }
    if !clients.isEmpty { queue.add(.toClients(EventMessage(bytes))) }
    switch kind {
    case .audioDelta, .error, .other: break
    case .sessionNews: noteSession(members, span)
    case .speechStarted: if interruptsOnSpeech { _ = interrupt(&pacer, at: now) }
    case .responseCreated:
      activeResponse = Self.responseID(members, span)
      ledger.begin(response: activeResponse)
    case .responseDone: noteDone(members, span, &pacer)
    case .audioDone, .itemDone: noteComplete(kind, members, span, &pacer)
    }
    return true
  }

  private func noteSense() {
    counts.serviceMessages += 1
    garbageInRow = 0
    guard !link.hasSpoken else { return }
    link.noteMessage()
    held = []
  }

  /// Clients are told of it now and then, and get an end when it does not end.
  private func noteGarbage(at now: Instant) {
    counts.serviceGarbage += 1
    garbageInRow += 1
    let isDue = garbageReportedAt.map {
      now.milliseconds(since: $0) >= Self.garbageReportMilliseconds
    }
    if isDue ?? true, !clients.isEmpty {
      garbageReportedAt = now
      queue.add(.toClients(events.error(.serviceGarbage)))
    }
    if garbageInRow >= Self.garbageMax { giveUp("it sends what is no event") }
  }

  /// An error about an event that we have sent of our own accord is none of a client's.
  private func isAboutOurs(_ members: JsonMembers, _ span: RawSpan) -> Bool {
    guard let error = members.value("error", in: span),
      let inner = JsonText.members(of: error, in: span),
      let id = JsonText.text(inner.value("event_id", in: span), in: span, byteCountMax: 256)
    else { return false }
    return events.names.isOwn(id)
  }

  // MARK: - Sound

  private func takeSound(
    _ members: JsonMembers, _ span: RawSpan, at now: Instant, pacer: inout Pacer
  ) -> Bool {
    guard let delta = members.value("delta", in: span), delta.kind == .string else { return false }
    let item = Self.identifier(members.value("item_id", in: span), span)
    let part = JsonText.integer(members.value("content_index", in: span), in: span) ?? 0
    var response = Self.identifier(members.value("response_id", in: span), span)
    if response.isEmpty { response = activeResponse }
    let known = ledger.number(item, part)
    if ledger.isCut(known, response: response) {
      drop(UInt64(delta.count) * 3 / 8)
      return true
    }
    if known == nil { decoder.restart() }
    guard let number = ledger.open(item: item, contentIndex: part, response: response),
      ledger.canAdd(number)
    else {
      cutOff(response, known)
      return true
    }
    return say(delta, span, as: number, response, pacer: &pacer)
  }

  private func say(
    _ delta: JsonPart, _ span: RawSpan, as number: Int, _ response: [UInt8], pacer: inout Pacer
  ) -> Bool {
    let (isSound, refused) =
      delta.isEscaped
      ? sayEscaped(delta, span, as: number, &pacer) : say(delta, span, as: number, &pacer)
    if refused > 0 {
      cutOff(response, number)
      drop(UInt64(refused))
    }
    return isSound
  }

  /// Whether it was sound, and how many samples of it did not fit.
  private func say(
    _ delta: JsonPart, _ span: RawSpan, as number: Int, _ pacer: inout Pacer
  ) -> (isSound: Bool, refused: Int) {
    var refused = 0
    let isSound = unsafe decoder.decode(delta, of: span) { samples in
      let accepted = unsafe pacer.push(samples)
      ledger.add(accepted, to: number)
      refused += samples.count - accepted
    }
    return (isSound, refused)
  }

  /// Some writers of JSON escape the slash, which is of base64's alphabet.
  private func sayEscaped(
    _ delta: JsonPart, _ span: RawSpan, as number: Int, _ pacer: inout Pacer
  ) -> (isSound: Bool, refused: Int) {
    guard let text = JsonText.text(delta, in: span, byteCountMax: ClientEvent.byteCountMax)
    else { return (false, 0) }
    let plain = Array(text.utf8)
    let whole = JsonPart(kind: .string, offset: 0, count: plain.count, isEscaped: false)
    return unsafe say(whole, plain.span.bytes, as: number, &pacer)
  }

  /// More of an answer has come than may wait: what was taken is played, the rest is not.
  private func cutOff(_ response: [UInt8], _ number: Int?) {
    counts.runaways += 1
    ledger.cutOff(response: response, number: number)
    if !clients.isEmpty { queue.add(.toClients(events.error(.answerTooLong))) }
    sendToService(events.cancel(response).bytes)
  }

  private func drop(_ samples: UInt64) {
    droppedInRow += samples
    counts.droppedMilliseconds += rate.milliseconds(samples: samples)
    guard rate.milliseconds(samples: droppedInRow) > Self.droppedMillisecondsMax else { return }
    giveUp("it does not stop speaking")
  }

  // MARK: - News

  private func noteDone(_ members: JsonMembers, _ span: RawSpan, _ pacer: inout Pacer) {
    let response = Self.responseID(members, span)
    if activeResponse == response { activeResponse = [] }
    droppedInRow = 0
    pacer.finish()
    ledger.finish(response: response) { tell($0) }
  }

  private func noteComplete(
    _ kind: ServiceEvent, _ members: JsonMembers, _ span: RawSpan, _ pacer: inout Pacer
  ) {
    if kind == .audioDone {
      let part = JsonText.integer(members.value("content_index", in: span), in: span)
      let item = Self.identifier(members.value("item_id", in: span), span)
      ledger.complete(item: item, contentIndex: part)
      pacer.finish()
    } else if let item = members.value("item", in: span),
      let inner = JsonText.members(of: item, in: span)
    {
      ledger.complete(
        item: Self.identifier(inner.value("id", in: span), span), contentIndex: nil)
    }
  }

  private func noteSession(_ members: JsonMembers, _ span: RawSpan) {
    guard let value = members.value("session", in: span), value.kind == .object,
      value.count <= Self.sessionByteCountMax
    else { return }
    if session.isEmpty { correctFormats(of: value, span) }
    session = JsonText.copy(value, in: span)
    interruptsOnSpeech = Self.interrupts(value, span)
  }

  /// Whether the session wants answers to be interrupted by speech (the default): the new place
  /// of the setting, or the old one.
  private static func interrupts(_ session: JsonPart, _ span: RawSpan) -> Bool {
    guard let root = JsonText.members(of: session, in: span) else { return true }
    let input = root.value("audio", in: span)
      .flatMap { JsonText.members(of: $0, in: span)?.value("input", in: span) }
    let holder = input.flatMap { JsonText.members(of: $0, in: span) } ?? root
    guard
      let detection = holder.value("turn_detection", in: span)
        ?? root.value("turn_detection", in: span),
      let setting = JsonText.members(of: detection, in: span)?
        .value("interrupt_response", in: span), setting.kind == .boolean
    else { return true }
    return setting.count == 4
  }

  private static func responseID(_ members: JsonMembers, _ span: RawSpan) -> [UInt8] {
    guard let response = members.value("response", in: span),
      let inner = JsonText.members(of: response, in: span)
    else { return [] }
    return identifier(inner.value("id", in: span), span)
  }

  /// The bytes of an ID; nothing when there is none or it is longer than an ID is.
  private static func identifier(_ part: JsonPart?, _ span: RawSpan) -> [UInt8] {
    guard let part, part.kind == .string, part.count <= 256 else { return [] }
    return JsonText.copy(part, in: span)
  }
}

/// The events of a service that mean something to us.
enum ServiceEvent {
  case audioDelta
  case audioDone
  case itemDone
  case responseCreated
  case responseDone
  case speechStarted
  case sessionNews
  case error
  case other

  /// Names of both generations: the older one had no `output_` in the names of sound.
  init(_ type: JsonPart, in span: RawSpan) {
    self =
      if Self.isOne(of: "response.output_audio.delta", "response.audio.delta", type, span) {
        .audioDelta
      } else if Self.isOne(of: "response.output_audio.done", "response.audio.done", type, span) {
        .audioDone
      } else if JsonText.equals(type, "response.output_item.done", in: span) {
        .itemDone
      } else if JsonText.equals(type, "response.created", in: span) {
        .responseCreated
      } else if JsonText.equals(type, "response.done", in: span) {
        .responseDone
      } else if JsonText.equals(type, "input_audio_buffer.speech_started", in: span) {
        .speechStarted
      } else if Self.isOne(of: "session.created", "session.updated", type, span) {
        .sessionNews
      } else if JsonText.equals(type, "error", in: span) {
        .error
      } else {
        .other
      }
  }

  private static func isOne(
    of one: StaticString, _ other: StaticString, _ type: JsonPart, _ span: RawSpan
  ) -> Bool {
    JsonText.equals(type, one, in: span) || JsonText.equals(type, other, in: span)
  }
}
