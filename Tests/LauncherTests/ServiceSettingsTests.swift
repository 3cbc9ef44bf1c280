import Launcher
import Settings
import Testing

/// What `martlet up` and `martlet-transceiver` refuse before anything starts.
@Suite struct ServiceSettingsTests {
  @Test(arguments: [
    (["--backend", "realtime"], "--backend realtime needs --backend-url"),
    (["--backend", "audiosocket"], "--backend audiosocket needs --backend-url"),
    (["--backend-key-file", "k"], "--backend-key-file needs --backend-url"),
    (["--backend-rate", "8000"], "--backend-rate needs --backend-url"),
    (["--backend-ca-file", "c"], "--backend-ca-file needs --backend-url"),
    (["--backend-url", "http://u:p@h/"], "--backend-url must begin with ws://, wss:// or tcp://"),
    (["--backend-url", "wss:h"], "--backend-url must begin with ws://, wss:// or tcp://"),
    (
      ["--backend", "realtime", "--backend-url", "tcp://h:1"],
      "--backend realtime needs a --backend-url of ws:// or wss://"
    ),
    (
      ["--backend", "audiosocket", "--backend-url", "wss://h"],
      "--backend audiosocket needs a --backend-url of tcp://"
    ),
    (
      ["--backend-url", "ws://h/", "--backend-ca-file", "c"],
      "--backend-ca-file is for wss:// only"
    ),
    (
      ["--backend-url", "tcp://h:1", "--backend-key-file", "k"],
      "AudioSocket (tcp://) has no place for a key"
    ),
  ])
  func whatDoesNotGoTogetherIsRefused(arguments: [String], sentence: String) {
    #expect(throws: SettingsError.conflict(sentence)) { try UpSettings.command.parse(arguments) }
  }

  @Test(arguments: [
    [], ["--backend", "parrot"], ["--backend-url", "WSS://h/", "--backend-ca-file", "c"],
    ["--backend", "realtime", "--backend-url", "ws://h/", "--backend-key-file", "k"],
    ["--backend", "audiosocket", "--backend-url", "tcp://h:1"], ["--backend-model", "m"],
  ])
  func whatGoesTogetherIsTaken(arguments: [String]) throws {
    _ = try UpSettings.command.parse(arguments)
  }
}
