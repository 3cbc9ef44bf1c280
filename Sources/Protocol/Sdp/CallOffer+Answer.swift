/// What an answer makes of the offer's audio lines.
///
/// A call has one voice each way. Ours goes by the first line that receives, and by that alone: on
/// two it would be heard twice. The client's is heard on every line that it sends on; which of two
/// at once, the receiver decides.
extension CallOffer {
  /// The line that our voice goes by; nil when the client receives on none.
  package var spokenLine: OfferedAudio? { audio.first { $0.direction.receives } }

  /// The lines that the client's voice may come by.
  package var heardLines: [OfferedAudio] { audio.filter(\.direction.sends) }

  /// The payload types of redundancy (RFC 2198) on the lines that the client's voice may come by,
  /// in their order, without gaps for those that have none.
  package var heardRedPayloadTypes: [UInt8] { heardLines.compactMap(\.redPayloadType) }

  /// Whether the client keeps what it sent and sends it again when asked (NACK, RFC 4585).
  package var asksForResends: Bool { heardLines.contains(where: \.usesNack) }

  /// The header extension that says which of several lines talks; nil with one line, and where the
  /// client does not have it on each under one ID.
  package var levelExtension: UInt8? {
    let lines = heardLines
    guard lines.count > 1, let id = lines[0].levelExtension,
      lines.allSatisfy({ $0.levelExtension == id })
    else { return nil }
    return id
  }

  /// How Opus is named and set where we speak, or where we only hear.
  package var opus: OfferedOpus { (spokenLine ?? heardLines.first ?? audio[0]).opus }

  /// What we do with audio, on all lines together.
  package var answerDirection: Direction {
    Direction(sends: spokenLine != nil, receives: !heardLines.isEmpty)
  }

  /// What we do with audio on one of the lines.
  func answerDirection(of line: OfferedAudio) -> Direction {
    Direction(
      sends: line.mediaIndex == spokenLine?.mediaIndex, receives: line.direction.sends)
  }

  /// The mids that stay in the group: rejected lines leave it (RFC 8843, section 7.3.3).
  package var acceptedGroup: [String] {
    let indices = audio.map(\.mediaIndex) + [channels?.mediaIndex].compactMap { $0 }
    let accepted = indices.compactMap { media[$0].mid }
    return bundle.filter(accepted.contains)
  }
}
