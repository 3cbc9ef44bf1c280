"""Headless browsers that open one page and report by themselves: no driver, no remote control."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from far_namespace import NEAR_HOST

CHROMIUM_FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The namespace has a default route into nothing: name look-ups would wait for it.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1"
    f" , EXCLUDE {NEAR_HOST}",
]

FIREFOX_PREFERENCES = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "media.autoplay.block-webaudio": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.unified": False,
    "app.normandy.enabled": False,
    "app.update.auto": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.proxy.type": 0,
    "services.settings.server": "http://127.0.0.1:9/",
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "extensions.getAddons.cache.enabled": False,
}


class SoundServer:
    """A sound card that plays into nothing, in real time.

    Without one Firefox never starts an AudioContext, so a page there can neither make nor measure
    a tone.
    """

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="martlet-sound-"))
        socket = self.folder / "socket"
        self.address = f"unix:{socket}"
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                [
                    *("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1"),
                    *("--use-pid-file=no", "--load=module-null-sink"),
                    f"--load=module-native-protocol-unix auth-anonymous=1 socket={socket}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={
                    "HOME": str(self.folder),
                    "PATH": "/usr/bin:/bin",
                    "XDG_RUNTIME_DIR": str(self.folder),
                },
            )
        deadline = time.monotonic() + 60
        while not socket.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("pulseaudio: " + (self.folder / "log").read_text())
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Browser:
    """A running browser with a profile of its own; a context manager that leaves no trace."""

    def __init__(self, name, url, sound, microphone=None, flags=()):
        """`sound`: the SoundServer that it plays to. `microphone`: a WAV file that Chromium hears
        once, instead of its own beeps. `flags`: more options of the command line."""
        self.name = name
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"martlet-{name}-"))
        command = chromium_command if name == "chromium" else firefox_command
        assert microphone is None or name == "chromium"
        if microphone:
            flags = [*flags, f"--use-file-for-fake-audio-capture={microphone}%noloop"]
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                [*command(self.folder, url), *flags],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={
                    "HOME": str(self.folder),
                    "PATH": "/usr/bin:/bin",
                    "PULSE_SERVER": sound.address,
                    "MOZ_CRASHREPORTER_DISABLE": "1",
                },
                start_new_session=True,
            )

    def log(self):
        """The last of what the browser itself had to say."""
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    def kill(self):
        """Ends it at once, with all its processes."""
        try:
            signal_group(self.process.pid, signal.SIGKILL)
        finally:
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def signal_group(pid, number):
    """Sends a signal to the process group of a session that we started."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass


def chromium_command(folder, url):
    return ["chromium", *CHROMIUM_FLAGS, f"--user-data-dir={folder}/profile", url]


def firefox_command(folder, url):
    profile = folder / "profile"
    profile.mkdir()
    lines = [f'user_pref("{key}", {literal(value)});' for key, value in FIREFOX_PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines) + "\n")
    return ["firefox-esr", "--headless", "--no-remote", "--profile", str(profile), url]


def literal(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else f'"{value}"'
