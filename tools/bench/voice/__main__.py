"""`martlet bench voice` does its work here: python tools/bench/voice --help."""

import sys

import command_line

sys.exit(command_line.main(sys.argv[1:]))
