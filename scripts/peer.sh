#!/bin/sh
# Builds the binary of a peer for the bench, from its Go module, once, and prints where it is: peer.sh kratos
set -eu
cd "$(dirname "$0")/.."
[ "${1:-}" = kratos ] || { echo "peer.sh: there is no peer '${1:-}'; there is kratos" >&2; exit 2; }
command -v go >/dev/null || { echo "peer.sh: Ory Kratos is built with Go 1.22 or newer (https://go.dev/dl/); no 'go' is here" >&2; exit 1; }
scripts/packages.sh postgresql:/usr/lib/postgresql util-linux:setpriv >&2

version=v1.3.1
place=$PWD/${CARGO_TARGET_DIR:-target}/tools/kratos-$version
case ${CARGO_TARGET_DIR:-target} in /*) place=$CARGO_TARGET_DIR/tools/kratos-$version ;; esac
if [ ! -x "$place/kratos" ]; then
    mkdir -p "$place"
    sources=$(cd "$place" && go mod download -json "github.com/ory/kratos@$version" | sed -n 's/^.*"Dir": "\(.*\)",*$/\1/p')
    # The module's own directory cannot be written to.
    rm -rf "$place/src"
    cp -r "$sources" "$place/src"
    chmod -R u+w "$place/src"
    (cd "$place/src" && go build -tags sqlite,json1,sqlite_omit_load_extension -o "$place/kratos" .) >&2
    rm -rf "$place/src"
fi
echo "$place/kratos"
