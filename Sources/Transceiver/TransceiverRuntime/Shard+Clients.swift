import Backends
import Runtime
import Session
import Token
import Wire

// The events of clients beside the call's own data channel.

extension Shard {
  func join(
    _ callID: CallID, sideband: UInt32, at now: Instant, through loop: OpaquePointer
  ) {
    guard let slot = slots[callID] else {
      return sidebandMail.close([sideband], code: 1_000, reason: Self.callEnded)
    }
    sidebands[callID, default: []].append(sideband)
    sessions[slot].clientJoined(.sideband(sideband), at: now, into: &outbox)
    unsafe drain(slot, at: now, through: loop)
  }

  func leave(
    _ callID: CallID, sideband: UInt32, at now: Instant, through loop: OpaquePointer
  ) {
    guard let slot = slots[callID], let place = sidebands[callID]?.firstIndex(of: sideband) else {
      return
    }
    sidebands[callID]?.remove(at: place)
    if sidebands[callID]?.isEmpty == true { sidebands[callID] = nil }
    sessions[slot].clientLeft(.sideband(sideband), at: now, into: &outbox)
    unsafe drain(slot, at: now, through: loop)
  }

  func take(
    _ event: [UInt8], of callID: CallID, sideband: UInt32, at now: Instant,
    through loop: OpaquePointer
  ) {
    guard let slot = slots[callID], sidebands[callID]?.contains(sideband) == true else { return }
    sessions[slot].handle(
      clientEvent: event, from: .sideband(sideband), at: now, into: &outbox)
    unsafe drain(slot, at: now, through: loop)
  }

  /// Sends an event to the sidebands that an action means.
  func tell(_ callID: CallID, _ event: EventMessage, only sideband: UInt32? = nil) {
    guard let all = sidebands[callID] else { return }
    let meant = sideband.map { one in all.filter { $0 == one } } ?? all
    if meant.isEmpty || sidebandMail.send(event.bytes, to: meant) { return }
    sidebandMail.close(meant, code: 1_013, reason: "too many events wait to be sent")
  }

  /// The call is over.
  func dismissSidebands(of callID: CallID) {
    guard let all = sidebands.removeValue(forKey: callID) else { return }
    sidebandMail.close(all, code: 1_000, reason: Self.callEnded)
  }

  private static let callEnded = "the call has ended"
}
