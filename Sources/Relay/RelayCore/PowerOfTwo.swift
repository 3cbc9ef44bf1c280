/// Sizes of tables whose slots are found by a mask.
enum PowerOfTwo {
  /// The smallest power of two that is not below `value`.
  static func atLeast(_ value: Int) -> Int {
    var power = 1
    while power < value { power *= 2 }
    return power
  }
}
