/// The HelloVerifyRequests (RFC 6347, section 4.2.1) that an active end got and has not heeded.
///
/// Nothing protects one, and whoever heeds a forged one says a second hello, which a server that
/// has answered the first takes for a fatal error: nobody can take that back. But a server that
/// wants a cookie says so to every hello without one, and never goes on. So one is heeded when the
/// same has come again after the hello was repeated, with no ServerHello between. Of somebody who
/// sends more of them than there were hellos, four hellos must have had it for an answer.
///
/// Bounded. Forgers who go on for as long as an honest server takes to answer are not stopped.
struct VerifyRequests {
  private static let heldMax = 4
  private static let answersToBelieve = 2
  private static let answersToBelieveInDoubt = 4

  private struct Held {
    var record: [UInt8]
    /// How many hellos had it for an answer, and which one was the last of these.
    var answers: Int
    var lastHello: Int
  }

  private var held: [Held] = []
  private var arrived = 0
  /// How often the hello without a cookie has been sent.
  private var hellos = 0

  /// Our hello is sent, for the first time or again.
  mutating func noteHello() { hellos += 1 }

  /// Takes note of one that has come. True when it is to be heeded.
  mutating func isConfirmed(by record: UnsafeRawBufferPointer) -> Bool {
    precondition(hellos > 0, "an answer before there was a hello")
    arrived += 1
    guard let index = held.firstIndex(where: { unsafe $0.record.isSameMessage(as: record) }) else {
      if held.count == Self.heldMax { held.removeFirst() }
      unsafe held.append(Held(record: Array(record), answers: 1, lastHello: hellos))
      return false
    }
    if held[index].lastHello < hellos {
      held[index].answers += 1
      held[index].lastHello = hellos
    }
    let needed = arrived > hellos ? Self.answersToBelieveInDoubt : Self.answersToBelieve
    return held[index].answers >= needed
  }
}
