#!/bin/sh
# Installs Debian packages that are missing. Each argument is package:probe, where the probe is a command, a file, or a Python module
# that the package brings. Nothing is asked of the package manager when every probe is there.
set -eu

present() {
    case "$1" in
        /*) [ -e "$1" ] ;;
        libfaketime) ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 ;;
        ensurepip) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
        *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

missing=
for pair in "$@"; do
    present "${pair#*:}" || missing="$missing ${pair%%:*}"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    as_root=sudo
fi
for needed in apt-get $as_root; do
    command -v "$needed" >/dev/null 2>&1 || { echo "there is no $needed here; please install what Debian calls:$missing" >&2; exit 1; }
done
echo "installing:$missing" >&2
$as_root apt-get update -qq
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
