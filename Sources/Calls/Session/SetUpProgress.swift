import Ice

/// How far the setting up of a call came: what was seen of a client that never connected.
package enum SetUpProgress: String, Sendable, CaseIterable {
  /// Nothing came that begins like STUN.
  case noCheck = "no-check"
  /// What began like STUN was none.
  case malformedChecks = "malformed-checks"
  /// Checks with another ufrag of the client's than its offer names.
  case otherUfrag = "checks-with-another-ufrag"
  /// Checks without MESSAGE-INTEGRITY, or made with another password than our answer's.
  case wrongIntegrity = "checks-with-wrong-integrity"
  /// Good checks, and nothing of DTLS.
  case noDtls = "checks-but-no-dtls"
  /// DTLS began and did not come to its end.
  case dtlsNotFinished = "dtls-not-finished"

  /// A sentence for the log.
  package var explanation: String {
    switch self {
    case .noCheck:
      "no check of the client came: it sent none, they do not reach the relay (firewall, "
        + "candidate), or the relay does not reach us"
    case .malformedChecks: "what came from the client as STUN was none"
    case .otherUfrag:
      "checks came with another ufrag than the offer's: the client began anew without an offer"
    case .wrongIntegrity:
      "checks came that were not made with the answer's password: the client has another answer"
    case .noDtls:
      "checks came and were answered, and no DTLS: the client does not hear our answers, or "
        + "waits for our side to begin"
    case .dtlsNotFinished:
      "DTLS began and did not end: datagrams of one direction or of one size are lost"
    }
  }
}

extension CallSession {
  /// How far the set-up has come; nil once the keys are there.
  var setUpProgress: SetUpProgress? {
    guard media == nil else { return nil }
    if counts.dtlsAccepted > 0 { return .dtlsNotFinished }
    if counts.stunAccepted > 0 { return .noDtls }
    let otherUfrags = ice.ignored[Int(IceIgnored.wrongUsername.rawValue)]
    let wrongIntegrity = ice.ignored[Int(IceIgnored.wrongIntegrity.rawValue)]
    if otherUfrags + wrongIntegrity > 0 {
      return otherUfrags > wrongIntegrity ? .otherUfrag : .wrongIntegrity
    }
    return counts.stunIgnored > 0 ? .malformedChecks : .noCheck
  }
}
