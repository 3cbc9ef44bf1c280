import CPacketLoop
import Runtime

/// Why a load run cannot go on, in one sentence.
struct LoadFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }

  init(_ error: pl_error) { self.init(error.sentence) }
}
