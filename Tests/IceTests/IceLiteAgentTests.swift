import Crypto
import Ice
import Testing
import Wire

@Suite struct IceLiteAgentTests {
  @Test func answersACheckWithASignedMappedAddress() throws {
    var agent = makeAgent()
    let (verdict, reply) = agent.take(Check().bytes, from: path(9))
    #expect(
      verdict
        == .respond(
          length: reply.count, IceNews(isNewPath: true, isNominatedNow: false)))
    let message = try #require(parse(reply))
    #expect(message.type == .bindingSuccess)
    #expect(message.transactionID == StunTransactionID(high: 7, low: 1))
    #expect(message.mappedAddress == path(9).client)
    #expect(isSealed(reply, with: serverCredentials.key))
    #expect(agent.isValidated(path(9)))
    #expect(agent.selected == path(9))
  }
}
