/// Which answer each sample in the pacer belongs to, and how much of each was really played.
///
/// Sound goes into the pacer and comes out in the same order; the ledger keeps that order as
/// counts. IDs are the bytes between the quotation marks of the service's events, compared as they
/// are.
struct PlayLedger {
  /// One content part of one item: what can be truncated.
  struct Utterance {
    let item: [UInt8]
    let contentIndex: Int
    let response: [UInt8]
    /// Samples that are waiting, and that were played.
    fileprivate(set) var waiting: UInt64 = 0
    fileprivate(set) var played: UInt64 = 0
    /// The service has said that no more of it follows.
    var isComplete = false
    /// Nothing of it is played any more, or nothing after what waits.
    var isCut = false
  }

  /// A change of what is heard.
  enum Change: Equatable {
    case started(response: [UInt8])
    case stopped(response: [UInt8])
  }

  private struct Segment {
    var utterance: Int
    var count: UInt64
  }

  private struct Entry {
    let number: Int
    var utterance: Utterance
    /// It was cut off, and the service has not been told how much of it was heard.
    var owesTruncation = false
  }

  private var utterances: [Entry] = []
  private var segments: [Segment] = []
  private var nextNumber = 0
  /// Responses that are over or cut, newest last.
  private var finished: [[UInt8]] = []
  private var cut: [[UInt8]] = []
  /// What is being heard.
  private(set) var speaking: [UInt8]?

  /// Answers at once, and changes between them, that are kept apart. A service has one or two.
  static let utterancesMax = 64
  static let segmentsMax = 256
  private static let responsesMax = 64

  /// Nothing waits.
  var isEmpty: Bool { segments.isEmpty }

  /// The utterance of this item and part, made when it is new; nil when there are too many.
  mutating func open(item: [UInt8], contentIndex: Int, response: [UInt8]) -> Int? {
    if let known = number(item, contentIndex) { return known }
    // Whatever has been played to its end and did not go on is as good as complete.
    for place in utterances.indices where utterances[place].utterance.waiting == 0 {
      utterances[place].utterance.isComplete = true
    }
    if utterances.count >= Self.utterancesMax { forget() }
    guard utterances.count < Self.utterancesMax else { return nil }
    nextNumber += 1
    let utterance = Utterance(item: item, contentIndex: contentIndex, response: response)
    utterances.append(Entry(number: nextNumber, utterance: utterance))
    return nextNumber
  }

  /// The utterance of this item and part, when there is one.
  func number(_ item: [UInt8], _ contentIndex: Int) -> Int? {
    for place in 0..<utterances.count
    where utterances[place].utterance.contentIndex == contentIndex
      && utterances[place].utterance.item == item
    {
      return utterances[place].number
    }
    return nil
  }

  /// Where an utterance is; the newest, which is asked for most, is found first.
  private func place(of number: Int) -> Int? {
    var place = utterances.count - 1
    while place >= 0 {
      if utterances[place].number == number { return place }
      place -= 1
    }
    return nil
  }

  /// Nothing more of it is to be played.
  func isCut(_ number: Int?, response: [UInt8]) -> Bool {
    if !response.isEmpty, cut.contains(response) { return true }
    guard let number, let place = place(of: number) else { return false }
    return utterances[place].utterance.isCut
  }

  /// `count` samples of `number` went into the pacer; false when there are too many changes, and
  /// then they must not go.
  func canAdd(_ number: Int) -> Bool {
    segments.last?.utterance == number || segments.count < Self.segmentsMax
  }

  mutating func add(_ count: Int, to number: Int) {
    guard count > 0, let place = place(of: number) else { return }
    utterances[place].utterance.waiting += UInt64(count)
    let last = segments.count - 1
    if last >= 0, segments[last].utterance == number {
      segments[last].count += UInt64(count)
    } else {
      segments.append(Segment(utterance: number, count: UInt64(count)))
    }
  }

  /// `count` samples were played; gives what this has changed, in order.
  mutating func play(_ count: UInt64, _ note: (Change) -> Void) {
    var left = count
    while left > 0, !segments.isEmpty {
      let step = min(left, segments[0].count)
      left -= step
      if let place = place(of: segments[0].utterance) {
        utterances[place].utterance.waiting -= step
        utterances[place].utterance.played += step
        begin(utterances[place].utterance.response, note)
      }
      segments[0].count -= step
      if segments[0].count == 0 { segments.removeFirst() }
    }
    stopWhenSilent(note)
  }

  private mutating func begin(_ response: [UInt8], _ note: (Change) -> Void) {
    if let before = speaking {
      guard before != response else { return }
      note(.stopped(response: before))
    }
    speaking = response
    note(.started(response: response))
  }

  private mutating func stopWhenSilent(_ note: (Change) -> Void) {
    guard segments.isEmpty, let response = speaking, finished.contains(response) else { return }
    speaking = nil
    note(.stopped(response: response))
  }

  /// The service begins a response; the ID may be one that was used before, or none.
  mutating func begin(response: [UInt8]) {
    finished.removeAll { $0 == response }
    cut.removeAll { $0 == response }
  }

  /// The service has said all of an item's part, or of an item when `contentIndex` is nil.
  mutating func complete(item: [UInt8], contentIndex: Int?) {
    for place in utterances.indices where utterances[place].utterance.item == item {
      if let contentIndex, utterances[place].utterance.contentIndex != contentIndex { continue }
      utterances[place].utterance.isComplete = true
    }
  }

  /// The service has said all of a response; of the one that is heard when it gave no ID.
  mutating func finish(response: [UInt8], _ note: (Change) -> Void) {
    remember(response, in: &finished)
    for place in utterances.indices where utterances[place].utterance.response == response {
      utterances[place].utterance.isComplete = true
    }
    stopWhenSilent(note)
  }

  /// No more of this response is taken; what waits is played.
  mutating func cutOff(response: [UInt8], number: Int?) {
    if !response.isEmpty { remember(response, in: &cut) }
    guard let number, let place = place(of: number) else { return }
    utterances[place].utterance.isCut = true
    utterances[place].owesTruncation = true
  }

  /// Gives each utterance that was cut off and has now been played as far as it was taken.
  mutating func takeCutOff(_ body: (Utterance) -> Void) {
    for place in 0..<utterances.count
    where utterances[place].owesTruncation && utterances[place].utterance.waiting == 0 {
      utterances[place].owesTruncation = false
      body(utterances[place].utterance)
    }
  }

  /// What waits was dropped. Gives the response that was heard or about to be, nil when there was
  /// none; `truncated` is given each utterance that was not heard to its end.
  mutating func interrupt(_ truncated: (Utterance) -> Void) -> [UInt8]? {
    var response = speaking
    for place in utterances.indices {
      let utterance = utterances[place].utterance
      guard utterance.waiting > 0 || !utterance.isComplete,
        !utterance.isCut || utterance.waiting > 0
      else { continue }
      truncated(utterance)
      if response == nil { response = utterance.response }
      utterances[place].utterance.waiting = 0
      utterances[place].owesTruncation = false
      // What has no ID cannot be told from what comes next.
      utterances[place].utterance.isCut = !utterance.item.isEmpty
      utterances[place].utterance.isComplete = true
      if !utterance.response.isEmpty { remember(utterance.response, in: &cut) }
    }
    segments.removeAll(keepingCapacity: true)
    speaking = nil
    return response
  }

  private mutating func forget() {
    utterances.removeAll {
      $0.utterance.waiting == 0 && !$0.owesTruncation
        && ($0.utterance.isComplete || $0.utterance.isCut)
    }
  }

  private func remember(_ response: [UInt8], in list: inout [[UInt8]]) {
    guard !list.contains(response) else { return }
    if list.count >= Self.responsesMax { list.removeFirst() }
    list.append(response)
  }
}
