import Testing

/// `#expect` for conditions that change what they look at, or look at what cannot be copied.
func expect(_ condition: Bool, _ location: SourceLocation = #_sourceLocation) {
  #expect(condition, sourceLocation: location)
}
