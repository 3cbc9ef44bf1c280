import Testing

@testable import Runtime

@Suite("Mailbox")
struct MailboxTests {
  @Test("letters come out once, oldest first")
  func order() {
    let mailbox = Mailbox<Int>()
    #expect(mailbox.collect().isEmpty)
    mailbox.post(1)
    mailbox.post(2)
    #expect(mailbox.collect() == [1, 2])
    #expect(mailbox.collect().isEmpty)
    mailbox.post(3)
    #expect(mailbox.collect() == [3])
  }
}
