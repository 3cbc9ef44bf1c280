// `martlet`: the program for people. The first word chooses what to do; the rest are its options.
import Bench
import Launcher
import Load
import Settings

let summary = """
  martlet: a media front door for voice AI over WebRTC.

  Usage: martlet COMMAND [options]

  Commands:
    up                 run a relay, a transceiver and the page on this machine
    load               make many calls at once, check that every voice comes back
    bench relay        measure the relay side by side with other forwarders
    bench transceiver  measure what a call costs the transceiver
    bench voice        measure how calls sound on bad networks
    keys               make a key file
    token seal         make a routing token
    token open         read a routing token
    version            print the version

  Each command has --help. Across machines: martlet-relay, martlet-transceiver.

  """
let commands = ["up", "load", "bench", "keys", "token", "version", "help"]

let words = Array(CommandLine.arguments.dropFirst())
switch words.first {
case "up":
  var up = Up(UpSettings.command.settings(from: Array(words.dropFirst())))
  exitProcess(up.run())
case "load": exitProcess(Load.run(Array(words.dropFirst())))
case "bench": exitProcess(Bench.run(Array(words.dropFirst())))
case "keys": exitProcess(KeysCommand.run(Array(words.dropFirst())))
case "token": exitProcess(TokenCommand.run(Array(words.dropFirst())))
case "version", "--version": standardOutput("martlet \(ProductVersion.text)\n")
case "help", "--help", "-h": standardOutput(summary)
case let word?:
  let suggestion = SettingsError.suggestion(nearestName(to: word, among: commands))
  standardError(
    "martlet: there is no command \"\(word)\"\(suggestion)\nTry \"martlet --help\".\n")
  exitProcess(Command.usageStatus)
case nil:
  standardError(summary)
  exitProcess(Command.usageStatus)
}
