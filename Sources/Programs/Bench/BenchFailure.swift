/// Why a benchmark cannot go on: a sentence for whoever runs it.
struct BenchFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
