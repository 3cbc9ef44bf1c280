/// What is kept for each TSN of a window: a ring that grows with need, up to `extentMax`, and gives
/// its memory back when it is empty.
struct TsnRing<Element> {
  /// The TSN of the first position.
  private(set) var base: UInt32
  /// Positions from `base` to the last one that was ever filled.
  private(set) var extent = 0
  let extentMax: Int
  private var slots: [Element?] = []
  private var head = 0

  init(base: UInt32, extentMax: Int) {
    precondition(extentMax > 0 && extentMax & (extentMax - 1) == 0, "a power of two")
    self.base = base
    self.extentMax = extentMax
  }

  var isEmpty: Bool { extent == 0 }
  /// The first TSN after all positions.
  var end: UInt32 { base &+ UInt32(extent) }

  /// The position of `tsn`; nil when the window cannot hold it.
  func position(of tsn: UInt32) -> Int? {
    let distance = Int(tsn &- base)
    return distance < extentMax ? distance : nil
  }

  /// What is kept at `position`, which is inside `extent`.
  subscript(position: Int) -> Element? {
    get {
      precondition(position >= 0 && position < extent, "outside of the window")
      return slots[(head + position) & (slots.count - 1)]
    }
    set {
      precondition(position >= 0 && position < extent, "outside of the window")
      slots[(head + position) & (slots.count - 1)] = newValue
    }
    _modify {
      precondition(position >= 0 && position < extent, "outside of the window")
      yield &slots[(head + position) & (slots.count - 1)]
    }
  }

  /// Puts `element` at `position`, less than `extentMax`; positions between stay empty.
  mutating func put(_ element: Element, at position: Int) {
    precondition(position >= 0 && position < extentMax, "the window is bounded")
    if position >= extent {
      grow(toHold: position + 1)
      extent = position + 1
    }
    self[position] = element
  }

  /// Takes the first position away, empty or not; `base` moves on by one.
  mutating func removeFirst() -> Element? {
    base &+= 1
    guard extent > 0 else { return nil }
    let element = slots[head]
    slots[head] = nil
    head = (head + 1) & (slots.count - 1)
    extent -= 1
    if extent == 0 { release() }
    return element
  }

  /// Forgets everything and starts at `base`.
  mutating func reset(base: UInt32) {
    self.base = base
    extent = 0
    release()
  }

  private mutating func release() {
    head = 0
    if slots.count > 32 {
      slots = []
    } else {
      for index in slots.indices { slots[index] = nil }
    }
  }

  private mutating func grow(toHold count: Int) {
    guard count > slots.count else { return }
    var size = max(8, slots.count)
    while size < count { size *= 2 }
    var larger = [Element?](repeating: nil, count: size)
    for position in 0..<extent { larger[position] = self[position] }
    slots = larger
    head = 0
  }
}
