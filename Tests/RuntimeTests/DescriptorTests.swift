import Runtime
import Testing

@Suite struct DescriptorTests {
  private let need = DescriptorNeed(least: 100, all: 2_000, purpose: "1,000 guests")

  @Test func aLimitIsEnoughOrTightOrTooFew() {
    #expect(need.verdict(limit: 2_000) == .enough)
    #expect(need.verdict(limit: 1 << 20) == .enough)
    guard case .tight(let tight) = need.verdict(limit: 1_999),
      case .tight = need.verdict(limit: 100), case .tooFew(let few) = need.verdict(limit: 99)
    else { return #expect(Bool(false), "other verdicts") }
    #expect(
      tight == "the limit of open files is 1999, and 2000 are needed for 1,000 guests: raise it "
        + "(ulimit -n 2000, or LimitNOFILE=2000 in a systemd unit)")
    #expect(few.hasPrefix("the limit of open files is 99, and 2000 are needed"))
  }
}
