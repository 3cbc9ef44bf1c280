"""Headless Chromiums, one for each call (they take one page each): processes of their own."""

import asyncio
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    # The namespace has a default route into nothing: name look-ups would wait for it.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1",
]


class Browser:
    def __init__(self, url):
        self.url = url

    async def __aenter__(self):
        if not shutil.which("chromium"):
            raise RuntimeError("there is no chromium on the PATH; tools/bench/setup voice gets it")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="martlet-chromium-"))
        with open(self.folder / "log", "wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                "chromium", *FLAGS, f"--user-data-dir={self.folder}/profile", self.url,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0,
                env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin"})
        return self

    def log(self):
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    async def __aexit__(self, *_):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        await self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
