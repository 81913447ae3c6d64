#!/bin/bash
# Makes the packages below target/package: a Debian package, an archive with the static binary, a container image, the chart and its Compose file.
#
#   VESTIBULE_BINARY, VESTIBULE_STATIC_BINARY   pack these instead of building
#   VESTIBULE_PACKAGE_VERSION                   the version, where it is not that of Cargo.toml
#   VESTIBULE_PACKAGE_ONLY                      some of: deb archive image chart
#
# The same commit gives the same bytes, on whatever path it is built: times are those of the commit, paths are cut off, and everything is sorted.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
root=$PWD
output=$root/target/package
only=${VESTIBULE_PACKAGE_ONLY:-deb archive image chart}
version=${VESTIBULE_PACKAGE_VERSION:-$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)}
commit=$(git rev-parse HEAD)
machine=$(uname -m)
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}

wanted() { case " $only " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

# The release binary, with what names this machine cut off; further options of the compiler are arguments. Where its output is taken, a shell does not
# stop at the first failure by itself.
build() {
    local folder=$1
    shift
    local home=${CARGO_HOME:-$HOME/.cargo} parts=$'\x1f' flags option
    # A path may have a space in it, so nothing is parted at spaces.
    flags=--remap-path-prefix=$root=.$parts--remap-path-prefix=$home=cargo
    for option in "$@"; do flags+=$parts$option; done
    CARGO_ENCODED_RUSTFLAGS=$flags CC_SHELL_ESCAPED_FLAGS=1 \
    CFLAGS=$(printf '%q %q' "-ffile-prefix-map=$root=." "-ffile-prefix-map=$home=cargo") \
        "$cargo" build --release --locked --package vestibule --target "$machine-unknown-linux-gnu" --target-dir "$output/$folder" >&2 || return
    echo "$output/$folder/$machine-unknown-linux-gnu/release/vestibule"
}

# A tar archive of a folder that says nothing of when and by whom it was made.
archive() {
    tar --create --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode='u+rwX,go=rX' \
        --directory "$1" "$2" | gzip --no-name -9
}

mkdir -p "$output"
pages=$output/pages
rm -rf "$pages"
"$cargo" run --quiet --locked --package vestibule-manual -- "$pages"
"$cargo" metadata --format-version 1 --locked --filter-platform "$machine-unknown-linux-gnu" | python3 packaging/sbom.py >"$output/sbom.json"
# From here on, and not before: libraries in C would be built again by whoever runs something else in this directory.
export SOURCE_DATE_EPOCH=$epoch TZ=UTC LC_ALL=C.UTF-8 VESTIBULE_COMMIT=$commit

# The pages for operators, in the places that they link each other by, and the list of what the binary is built of.
documents() {
    install -d "$1/book"
    install -m 644 "$output/sbom.json" "$1"
    install -m 644 docs/*.md CHANGELOG.md "$1/book"
    cp -r docs/two-nodes docs/operations docs/reference "$1/book"
    rm "$1/book/SUMMARY.md"
}

if wanted deb; then
    binary=${VESTIBULE_BINARY:-$(build dynamic)}
    # The one with a C library in it is larger; the image has a limit of its own.
    [ -n "${VESTIBULE_BINARY:-}" ] || scripts/size.sh "$binary"
    work=$output/deb/vestibule-$version
    stage=$work/stage
    rm -rf "$output/deb"
    mkdir -p "$stage/usr/share/man" "$stage/usr/share/zsh/vendor-completions" "$stage/usr/share/fish/vendor_completions.d"
    cp -r packaging/debian "$work/debian"
    install -D -m 755 "$binary" "$stage/usr/bin/vestibule"
    install -d "$stage/etc/vestibule/conf"
    install -m 644 conf/*.json "$stage/etc/vestibule/conf"
    install -m 644 packaging/debian/vestibule.toml "$stage/etc/vestibule/vestibule.toml"
    cp -r "$pages/man1" "$stage/usr/share/man/"
    install -D -m 644 "$pages/vestibule.bash" "$stage/usr/share/bash-completion/completions/vestibule"
    install -m 644 "$pages/_vestibule" "$stage/usr/share/zsh/vendor-completions/"
    install -m 644 "$pages/vestibule.fish" "$stage/usr/share/fish/vendor_completions.d/"
    documents "$stage/usr/share/doc/vestibule"
    {
        echo "vestibule ($version) stable; urgency=medium"
        printf '\n  * Version %s; what changed stands in book/CHANGELOG.md beside this file.\n\n' "$version"
        echo " -- $(sed -n 's/^Maintainer: //p' packaging/debian/control)  $(date --utc --date "@$SOURCE_DATE_EPOCH" --rfc-email)"
    } >"$work/debian/changelog"
    find "$work" -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +
    (cd "$work" && dpkg-buildpackage --build=binary --no-sign --no-pre-clean >"$output/deb.log" 2>&1) || { cat "$output/deb.log" >&2; exit 1; }
    mv "$output"/deb/vestibule_"$version"_*.deb "$output/"
    ls -l "$output"/vestibule_"$version"_*.deb
    # Of a debug binary the size and the symbols are complaints of their own.
    if [ -z "${VESTIBULE_BINARY:-}" ]; then
        lintian --fail-on error,warning "$output"/vestibule_"$version"_*.deb
    else
        lintian --fail-on error,warning --suppress-tags unstripped-binary-or-object "$output"/vestibule_"$version"_*.deb
    fi
fi

if wanted archive || wanted image; then
    static=${VESTIBULE_STATIC_BINARY:-$(build static -C target-feature=+crt-static)}
fi

if wanted archive; then
    name=vestibule-$version-linux-$machine
    rm -rf "$output/archive"
    install -D -m 755 "$static" "$output/archive/$name/bin/vestibule"
    mkdir -p "$output/archive/$name/share"
    cp -r "$pages/man1" "$output/archive/$name/share/man1"
    install -D -m 644 "$pages/vestibule.bash" "$output/archive/$name/share/completions/vestibule.bash"
    install -m 644 "$pages/_vestibule" "$pages/vestibule.fish" "$output/archive/$name/share/completions/"
    install -m 644 packaging/debian/vestibule.service packaging/debian/vestibule.socket LICENSE "$output/archive/$name/share/"
    documents "$output/archive/$name/share/doc"
    archive "$output/archive" "$name" >"$output/$name.tar.gz"
    ls -l "$output/$name.tar.gz"
fi

if wanted image; then
    rm -rf "$output/image"
    install -D -m 755 "$static" "$output/image/usr/bin/vestibule"
    mkdir -p "$output/image/data" "$output/image/tmp"
    install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$output/image/etc/ssl/certs/ca-certificates.crt"
    printf 'root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n' >"$output/image/etc/passwd"
    printf 'root:x:0:\nnonroot:x:65532:\n' >"$output/image/etc/group"
    install -D -m 644 "$output/sbom.json" "$output/image/usr/share/doc/vestibule/sbom.json"
    python3 packaging/image.py "$output/image" "$output/vestibule-$version-oci-$machine.tar" "$version" "$commit"
fi

if wanted chart; then
    rm -rf "$output/chart"
    mkdir -p "$output/chart"
    cp -r packaging/chart "$output/chart/vestibule"
    sed -i -e "s/^version: .*/version: $version/" -e "s/^appVersion: .*/appVersion: \"$version\"/" "$output/chart/vestibule/Chart.yaml"
    archive "$output/chart" vestibule >"$output/vestibule-chart-$version.tgz"
    install -m 644 packaging/compose.yaml "$output/compose.yaml"
    ls -l "$output/vestibule-chart-$version.tgz" "$output/compose.yaml"
fi
rm -f "$output/SHA256SUMS"
sums=$(cd "$output" && find . -maxdepth 1 -type f ! -name '*.log' -printf '%P\n' | sort | xargs sha256sum)
echo "$sums" >"$output/SHA256SUMS"
