// martlet-relay: reads its settings and runs the relay until it is asked to stop.
import Glibc
import Settings

exit(RelayProgram.run(Array(CommandLine.arguments.dropFirst())))
