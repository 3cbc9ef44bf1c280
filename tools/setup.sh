# What tools/run and tools/test share: sentences, Debian packages, the build. Sourced, not run.
# shellcheck shell=bash

# shellcheck disable=SC2034  # used by the scripts that source this file

# What the programs are built with and run with.
BUILD_PACKAGES=(
    libbpf-dev libhttp-parser-dev libnuma-dev libopus-dev libsrtp2-dev libssl-dev
    libwebsockets-dev pkg-config
)
# What the voice agent speaks with and is installed with; its Python packages are from PyPI.
AGENT_PACKAGES=(flite python3-venv)
AGENT_VENV=.build/agent-venv
# What the checks of the tree look with.
CHECK_PACKAGES=(clang-format-14 git libbpf-dev shellcheck)
# What the unit tests run beside themselves.
UNIT_PACKAGES=(iproute2 libjansson-dev util-linux)
# The real clients, and what they and their tests are made of.
CLIENT_PACKAGES=(
    chromium espeak-ng firefox-esr gir1.2-gst-plugins-bad-1.0 gir1.2-gst-plugins-base-1.0
    golang-github-pion-datachannel-dev golang-github-pion-webrtc.v3-dev golang-go
    gstreamer1.0-nice gstreamer1.0-plugins-bad gstreamer1.0-plugins-base
    gstreamer1.0-plugins-good iproute2 nodejs procps pulseaudio python3-gi python3-venv sox
    util-linux
)

say() { echo "martlet: $*"; }

fail() {
    echo "martlet: $*" >&2
    exit 1
}

# Installs those of the given Debian packages that are missing. Without root it says what is
# missing and the command that gets it.
need_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null |
            grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" != 0 ]; then
        fail "these Debian packages are missing: ${missing[*]}
martlet: get them with: sudo apt-get install -y --no-install-recommends ${missing[*]}"
    fi
    say "installing Debian packages: ${missing[*]}"
    install_packages "${missing[@]}"
}

# The lists of a fresh machine are old or absent, so they are fetched first. Two runs at once wait
# for each other's lock.
install_packages() {
    local log
    log=$(mktemp)
    if apt-get -o DPkg::Lock::Timeout=600 update >"$log" 2>&1 &&
        DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 \
            install -y --no-install-recommends "$@" >>"$log" 2>&1; then
        rm -f "$log"
        return 0
    fi
    tail -n 20 "$log" >&2
    fail "apt-get could not install: $* (all of its output is in $log)"
}

# make_venv FOLDER REQUIREMENTS: a Python environment with exactly what a requirements file names.
make_venv() {
    local venv=$1 requirements=$2
    if cmp -s "$requirements" "$venv/requirements.txt"; then
        return 0
    fi
    say "installing what $requirements names (PyPI) into $venv"
    rm -rf "$venv"
    /usr/bin/python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" ||
        fail "pip could not install what $requirements names"
    cp "$requirements" "$venv/requirements.txt"
}

need_agent() {
    need_packages "${AGENT_PACKAGES[@]}"
    make_venv "$AGENT_VENV" tools/agent/requirements.txt
}

need_swift() {
    command -v swift >/dev/null ||
        fail "swift is not installed; Martlet needs Swift 6.3 or later (https://swift.org/install)"
}

# SwiftPM's module cache knows the path that it was made for, and every build at another one fails
# until it is gone. So a clone that was moved or copied drops it; a mark tells.
need_own_build() {
    local here mark=.build/martlet-path
    here=$(pwd -P)
    if [ "$(cat "$mark" 2>/dev/null)" != "$here" ] && compgen -G '.build/*/*/ModuleCache' >/dev/null
    then
        say "this clone was not built here so far: dropping the module cache of that build"
        rm -rf .build/*/*/ModuleCache
    fi
    mkdir -p .build
    echo "$here" >"$mark"
}

build_programs() {
    say "building the programs (release; the first time takes a few minutes)"
    local log
    log=$(mktemp)
    if ! swift build -c release >"$log" 2>&1; then
        grep -E 'error|warning: unre' -A 6 "$log" >&2 || tail -n 40 "$log" >&2
        fail "the build failed (all of its output is in $log)"
    fi
    rm -f "$log"
}
