/// What a flood of forged tokens did to running calls, in one run.
struct Hurt: Equatable, Sendable {
  /// The calls' packets that were sent during the flood, and those that came out.
  var sent = 0.0
  var came = 0.0
  /// Packets of the flood in a second.
  var floodRate = 0.0
  /// Whether the senders did not keep the rates.
  var isLate = false

  /// The part of the packets that did not come out.
  var loss: Double { sent > 0 ? max(0, 1 - came / sent) : 0 }
}
