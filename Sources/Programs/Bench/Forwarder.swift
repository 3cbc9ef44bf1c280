/// The forwarders that `martlet bench relay` compares.
enum Forwarder {
  /// What is compared.
  enum Kind: String, CaseIterable, Sendable {
    case martlet, c, go, coturn
  }
}
