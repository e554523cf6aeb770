# shellcheck shell=bash
# shellcheck disable=SC2034 # used by who sources it
# Paths and small helpers that the scripts share. Sourced, never run.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$TOP/build
ROOT=$BUILD/root
# The prepared kernel tree and the repository as seen inside the build root.
KDIR_IN_ROOT=/usr/src/kernel-build
KDIR_DEBUG_IN_ROOT=/usr/src/kernel-debug
REPO_IN_ROOT=/src

say() { printf '==> %s\n' "$*" >&2; }

# die MESSAGE: one line that says what is wrong and what to do about it.
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# Everything below needs mount namespaces and chroot, hence root.
become_root() {
	[ "$(id -u)" -eq 0 ] && return
	command -v sudo >/dev/null || die "must run as root, or with sudo installed"
	exec sudo -E "$0" "$@"
}

# The kernel release that the build root was prepared for.
kernel_release() { cat "$ROOT$KDIR_IN_ROOT/release"; }
