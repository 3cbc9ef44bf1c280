"""Programs in Go that tests are peers of."""

import os
import subprocess


def build(source, folder):
    """Builds the Go file `source` into `folder` and gives the program's path. Debian's Go packages
    lie in a GOPATH; nothing is fetched."""
    program = folder / source.parent.name
    environment = dict(
        os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode", GOCACHE=str(folder / "cache")
    )
    command = ["/usr/bin/go", "build", "-o", str(program), str(source)]
    # Alone it takes a minute; beside other builds it may take many. No longer than pytest.ini lets
    # a test take.
    subprocess.run(command, env=environment, check=True, timeout=800)
    return program
