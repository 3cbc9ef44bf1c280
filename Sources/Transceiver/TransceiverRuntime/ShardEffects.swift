import Backends
import Log
import Paths
import Runtime
import ServiceClient
import Signalling
import Synchronization
import Token
import TransceiverCore
import Wire

/// Does what a shard wants done outside of it. On the shard's thread; nothing here waits.
final class ShardEffects {
  private let transceiver: TransceiverID
  private let registry: CallRegistry
  /// The way to the AI service; nil when none is configured.
  private let services: ServiceHub?
  private let webMail: WebMail
  private let log: Log
  /// For whoever watches the ways.
  let lossyCalls = LossyCallCounts()
  /// Leaves a letter for the shard, from any thread. Set before the shard runs.
  var post: @Sendable (ShardLoop.Letter) -> Void = { _ in }
  private var lines: [ServiceID: ServiceLine] = [:]
  private(set) var sidebands: [UInt32: SidebandLine] = [:]
  /// Requests that wait until their calls have begun.
  private var requests: [CallID: UInt64] = [:]

  init(
    _ transceiver: TransceiverID, registry: CallRegistry, services: ServiceHub?, webMail: WebMail,
    log: Log
  ) {
    self.transceiver = transceiver
    self.registry = registry
    self.services = services
    self.webMail = webMail
    self.log = log
  }

  /// What a WebSocket beside a call does, in the shard's words.
  func command(_ callID: CallID, _ line: SidebandLine, _ news: Sidebands.News) -> ShardCommand {
    let number = line.socket.number
    switch news {
    case .joined:
      sidebands[number] = line
      return .clientJoined(callID, client: number)
    case .said(let event):
      line.toShard.give(event.count)
      return .clientEvent(callID, client: number, event)
    case .left:
      sidebands[number] = nil
      return .clientLeft(callID, client: number)
    }
  }

  /// The request of this number waits for what becomes of a call.
  func expect(_ callID: CallID, request: UInt64) { requests[callID] = request }

  func perform(_ effect: ShardEffect) {
    switch effect {
    case .openService(let service, _): open(service)
    case .toService(let service, let message): lines[service]?.send(message)
    case .closeService(let service, let callID): close(service, of: callID)
    case .toClient(let client, let message): send(message, to: client)
    case .closeClient(let client, let code, let reason):
      guard let line = sidebands.removeValue(forKey: client) else { return }
      webMail.post(.close(line, code: code, reason: reason))
    case .event(let callID, let event):
      answer(callID, event)
      log.write(event, of: callID, on: transceiver)
    case .figures(let callID, let figures): registry.update(callID, figures)
    case .callEnded(let call): registry.end(call)
    case .callsMax(let most): registry.set(callsMax: most, shard: transceiver.shard)
    case .load(let news, let second, let calls, let refuses):
      log.write(news, second, of: transceiver, calls: calls, refuses: refuses)
    case .lossyCalls(let lossy, let speaking): lossyCalls.set(lossy, speaking: speaking)
    }
  }

  private func answer(_ callID: CallID, _ event: CallEvent) {
    guard !requests.isEmpty else { return }
    let hasBegun: Bool
    switch event {
    case .begun: hasBegun = true
    case .notBegun: hasBegun = false
    default: return
    }
    guard let request = requests.removeValue(forKey: callID) else { return }
    webMail.post(.begun(request, hasBegun))
  }

  // MARK: - Services

  private func open(_ service: ServiceID) {
    guard let services else { preconditionFailure("a backend without its service was let pass") }
    lines[service] = services.open { [post] line, news in post(.service(service, line, news)) }
  }

  private func close(_ service: ServiceID, of callID: CallID) {
    guard let line = lines.removeValue(forKey: service) else { return }
    line.close()
    guard line.droppedAudio > 0 else { return }
    log.warning(
      "service-did-not-keep-up",
      ["call": callID.logName, "frames_dropped": .number(Int(line.droppedAudio))])
  }

  // MARK: - Clients beside a call

  private func send(_ event: EventMessage, to client: UInt32) {
    guard let line = sidebands[client] else { return }
    if line.toClient.take(event.bytes.count) {
      webMail.post(.send(line, event.bytes))
    } else {
      webMail.post(.close(line, code: 1_008, reason: "Events are not read fast enough."))
    }
  }
}

/// How many of a shard's calls speak, and how many of these miss a tenth of their packets or more.
/// Set by the shard's thread, read by any.
final class LossyCallCounts: Sendable {
  private let speakingCount = Atomic<Int>(0)
  private let lossyCount = Atomic<Int>(0)

  var speaking: Int { speakingCount.load(ordering: .relaxed) }
  var lossy: Int { lossyCount.load(ordering: .relaxed) }

  func set(_ lossy: Int, speaking: Int) {
    speakingCount.store(speaking, ordering: .relaxed)
    lossyCount.store(lossy, ordering: .relaxed)
  }
}
