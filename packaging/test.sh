#!/bin/bash
# Tries the packages below target/package as somebody who installs them does: in a clean system (mmdebstrap), from the first start to the purge, and
# the image and the archive's binary in a system that holds nothing else. Needs root. systemd does not run in there, so the server runs under what its
# unit says, as far as bwrap can: as its own user, with a read-only system, no devices, no privileges.
set -euo pipefail
cd "$(dirname "$0")/.."
output=$PWD/target/package
machine=$(uname -m)
version=${VESTIBULE_PACKAGE_VERSION:-$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)}
package=$(ls "$output"/vestibule_"$version"_*.deb)
work=$(mktemp -d)
chmod 755 "$work"
system=$work/system
server=
asking=
names=

end() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    [ -z "$asking" ] || kill "$asking" 2>/dev/null || true
    [ -z "$names" ] || kill "$names" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap end EXIT

say() { echo "--- $*"; }
fail() { echo "failed: $*" >&2; [ ! -s "$work/log" ] || tail -n 20 "$work/log" >&2; exit 1; }
within() { chroot "$system" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }

say "the unit's exposure"
exposure=$(systemd-analyze security --offline=yes packaging/debian/vestibule.service | sed -n 's/.*exposure level for vestibule.service: \([0-9.]*\).*/\1/p')
awk -v found="$exposure" 'BEGIN { exit !(found != "" && found <= 1.5) }' || fail "exposure '$exposure' is more than 1.5"
echo "$exposure"

say "a clean system"
mmdebstrap --quiet --variant=minbase --include=ca-certificates,systemd,debconf "${VESTIBULE_PACKAGE_SUITE:-bookworm}" "$system"
# Nothing is started while packages are installed.
printf '#!/bin/sh\nexit 101\n' >"$system/usr/sbin/policy-rc.d"
chmod 755 "$system" "$system/usr/sbin/policy-rc.d"

say "install the version before"
dpkg-deb --raw-extract "$package" "$work/before"
sed -i "s/^Version: .*/Version: $version~before/" "$work/before/DEBIAN/control"
# One of its settings was another one then.
echo >>"$work/before/etc/vestibule/conf/selfservice.terms.json"
dpkg-deb --root-owner-group -Zgzip -z1 --build "$work/before" "$system/before.deb" >/dev/null
cp "$package" "$system/now.deb"
within apt-get install -y -qq --no-install-recommends /before.deb >/dev/null 2>"$work/log"
within systemd-analyze verify --man=no /lib/systemd/system/vestibule.service /lib/systemd/system/vestibule.socket || fail "the units"
[ "$(within stat -c '%U:%G %a' /etc/vestibule)" = "root:vestibule 750" ] || fail "/etc/vestibule"
[ "$(within stat -c '%U:%G %a' /etc/default/vestibule)" = "root:vestibule 640" ] || fail "/etc/default/vestibule"
within vestibule --version
# shellcheck disable=SC2016
within dpkg-query --showformat='${Conffiles}\n' --show vestibule | grep -q ' /etc/vestibule/conf/selfservice-reset.json ' || fail "conffiles"
# A minimal system leaves manual pages out, so they are looked for in the package.
dpkg-deb --contents "$package" >"$work/contents"
for file in man/man1/vestibule.1.gz man/man1/vestibule-serve.1.gz bash-completion/completions/vestibule zsh/vendor-completions/_vestibule; do
    grep -q " ./usr/share/$file\$" "$work/contents" || fail "$file is missing"
done

say "the settings of an operator"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$system/etc/vestibule/conf/external.email.json" <<MAIL
{"host": "mail.test", "port": $port, "from": "noreply@example.test", "auth": {"enable": false}, "starttls": {"enable": false}}
MAIL
echo "127.0.0.1 localhost mail.test" >"$work/hosts"
touch "$work/resolv.conf" "$system/etc/hosts" "$system/etc/resolv.conf"
user=$(within id -u vestibule)
group=$(within id -g vestibule)
# The directory that systemd makes (StateDirectory=).
within install -d -o vestibule -g vestibule -m 700 /var/lib/vestibule

# Becomes a program in a read-only system, as somebody who may do nothing: confined SYSTEM DATA_INSIDE DATA_OUTSIDE COMMAND…
confined() {
    local root=$1 inside=$2 outside=$3
    shift 3
    exec setpriv --reuid "$user" --regid "$group" --clear-groups --no-new-privs bwrap --ro-bind "$root" / --bind "$outside" "$inside" \
        --ro-bind "$work/hosts" /etc/hosts --ro-bind "$work/resolv.conf" /etc/resolv.conf --proc /proc --dev /dev --unshare-user --unshare-ipc --unshare-uts --die-with-parent --cap-drop ALL \
        --clearenv --setenv VESTIBULE_DATA "$inside" --setenv VESTIBULE_PROJECT /etc/vestibule \
        --setenv OPENIDM_ADMIN_PASSWORD Adm1nistrator-of-the-package "$@"
}

start() {
    : >"$work/out"
    confined "$@" >"$work/out" 2>"$work/log" &
    server=$!
    listens
}

# Waits until the server says where it listens.
listens() {
    until grep -q '^listening on ' "$work/out"; do
        kill -0 "$server" 2>/dev/null || fail "the server did not start"
        read -r -t 0.1 _ <> <(:) || true
    done
    address=$(sed -n 's/^listening on //p' "$work/out")
}

stop() {
    kill -TERM "$(pgrep --parent "$server")"
    wait "$server" || fail "the server ended with $?"
    server=
}

reset() { OPENIDM_ADMIN_PASSWORD=Adm1nistrator-of-the-package python3 packaging/reset.py "$address" "$port" "$1" "$2"; }

say "a first reset"
start "$system" /var/lib/vestibule "$system/var/lib/vestibule" /usr/bin/vestibule serve --listen 127.0.0.1:0
reset bjensen "Passw0rd-of-the-package-before"

signs_in() {
    python3 - "$address" "$1" "$2" <<'ASK'
import sys
import urllib.request

server, name, password = sys.argv[1:]
headers = {"X-OpenIDM-Username": name, "X-OpenIDM-Password": password, "X-OpenIDM-NoSession": "true", "Content-Type": "application/json"}
with urllib.request.urlopen(urllib.request.Request(f"{server}/openidm/authentication?_action=login", b"{}", headers), timeout=120) as answer:
    sys.exit(answer.status != 200)
ASK
}

# Asks until a file is there, and fails at the first request that is not answered.
asks_until() {
    exec python3 - "$address" "$1" <<'ASK'
import os
import sys
import time
import urllib.request

server, end = sys.argv[1:]
headers = {"X-OpenIDM-Username": "anonymous", "X-OpenIDM-Password": "anonymous", "X-OpenIDM-NoSession": "true"}
while not os.path.exists(end):
    with urllib.request.urlopen(urllib.request.Request(f"{server}/openidm/info/ping", None, headers), timeout=120) as answer:
        assert answer.status == 200, answer.status
    time.sleep(0.1)
ASK
}

# Whether the server runs the file that is installed now.
runs_installed() {
    [ "$(stat -L -c '%d:%i' "/proc/$(pgrep --parent "$server")/exe")" = "$(stat -c '%d:%i' "$system/usr/bin/vestibule")" ]
}

say "upgrade while it runs, with a file that the operator changed"
runs_installed || fail "what runs is not what was installed"
echo '# changed by the operator' >>"$system/etc/vestibule/vestibule.toml"
asks_until "$work/upgraded" &
asking=$!
within apt-get install -y -qq --no-install-recommends /now.deb >/dev/null 2>>"$work/log"
touch "$work/upgraded"
wait "$asking" || fail "somebody was not answered while the package was upgraded"
asking=
# shellcheck disable=SC2016
[ "$(within dpkg-query --showformat='${Version}' --show vestibule)" = "$version" ] || fail "the version"
grep -q 'changed by the operator' "$system/etc/vestibule/vestibule.toml" || fail "a changed file was put back"
cmp conf/selfservice.terms.json "$system/etc/vestibule/conf/selfservice.terms.json" || fail "a file that only the package changed is the old one"
# Until it is restarted, the server before goes on, all of it.
! runs_installed || fail "the upgrade left the file that ran"
reset scarter "Passw0rd-of-somebody-else"
# systemd is asked for that by the package; here it is done.
grep -q restart "$system/var/lib/dpkg/info/vestibule.postinst" || fail "an upgrade restarts nothing"
stop
start "$system" /var/lib/vestibule "$system/var/lib/vestibule" /usr/bin/vestibule serve --listen 127.0.0.1:0
runs_installed || fail "what answers is not the version that was installed"
signs_in bjensen "Passw0rd-of-the-package-before" || fail "bjensen was lost in the upgrade"
signs_in scarter "Passw0rd-of-somebody-else" || fail "scarter was lost in the upgrade"
reset bjensen "Passw0rd-of-the-package-after"
stop

say "a store that 0.1.0 has written"
within find /var/lib/vestibule -mindepth 1 -delete
gzip -d -c tests/stores/0.1.0.backup.gz >"$system/0.1.0.backup"
(confined "$system" /var/lib/vestibule "$system/var/lib/vestibule" /usr/bin/env "VESTIBULE_BACKUP_PASSPHRASE=a passphrase of the stores" \
    /usr/bin/vestibule restore /0.1.0.backup) >"$work/out" 2>"$work/log" || fail "the store of 0.1.0 was not put back"
start "$system" /var/lib/vestibule "$system/var/lib/vestibule" /usr/bin/vestibule serve --listen 127.0.0.1:0
signs_in bjensen "Kept-through-2-versions" || fail "bjensen was lost in the upgrade"
signs_in scarter "Kept-through-3-versions" || fail "scarter was lost in the upgrade"
reset bjensen "Passw0rd-of-the-package-after"
reset scarter "Passw0rd-of-somebody-else"
stop

say "remove keeps people, purge asks"
within apt-get remove -y -qq vestibule >/dev/null 2>>"$work/log"
[ -e "$system/var/lib/vestibule/vestibule.db" ] || fail "remove took people away"
[ -e "$system/etc/vestibule/vestibule.toml" ] || fail "remove took settings away"
[ ! -e "$system/usr/bin/vestibule" ] || fail "remove left the binary"
within apt-get install -y -qq --no-install-recommends /now.deb >/dev/null 2>>"$work/log"
within apt-get purge -y -qq vestibule >/dev/null 2>>"$work/log"
[ -e "$system/var/lib/vestibule/vestibule.db" ] || fail "whoever was not asked has lost their people"
[ ! -e "$system/etc/vestibule/vestibule.toml" ] || fail "purge left the settings"
within apt-get install -y -qq --no-install-recommends /now.deb >/dev/null 2>>"$work/log"
echo 'vestibule vestibule/purge_data boolean true' | within debconf-set-selections
within env DEBIAN_FRONTEND=noninteractive apt-get purge -y -qq vestibule >/dev/null 2>>"$work/log"
[ ! -e "$system/var/lib/vestibule" ] || fail "purge left what it was told to remove"

image=$output/vestibule-$version-oci-$machine.tar
if [ -e "$image" ]; then
    say "the image, as any user, with nothing else in the system"
    mkdir "$work/layout" "$work/data"
    tar --extract --file "$image" --directory "$work/layout"
    umoci unpack --rootless --image "$work/layout:$version" "$work/bundle" >/dev/null
    chmod 755 "$work/bundle" "$work/bundle/rootfs"
    # What a container runtime makes itself.
    mkdir -p "$work/bundle/rootfs/proc" "$work/bundle/rootfs/dev" "$work/bundle/rootfs/etc/vestibule/conf"
    touch "$work/bundle/rootfs/etc/hosts" "$work/bundle/rootfs/etc/resolv.conf"
    # Here the name of the mail server is one of the DNS.
    echo "127.0.0.1 localhost" >"$work/hosts"
    echo "nameserver 127.0.0.77" >"$work/resolv.conf"
    python3 packaging/names.py 127.0.0.77 >"$work/names" &
    names=$!
    until [ -s "$work/names" ]; do
        kill -0 "$names" 2>/dev/null || fail "the name server did not start"
        read -r -t 0.1 _ <> <(:) || true
    done
    cp conf/*.json "$work/bundle/rootfs/etc/vestibule/conf"
    cat >"$work/bundle/rootfs/etc/vestibule/conf/external.email.json" <<MAIL
{"host": "mail.test", "port": $port, "from": "noreply@example.test", "auth": {"enable": false}, "starttls": {"enable": false}}
MAIL
    user=4711 group=4712
    chown "$user:$group" "$work/data"
    start "$work/bundle/rootfs" /data "$work/data" /usr/bin/vestibule serve --listen 127.0.0.1:0
    reset bjensen "Passw0rd-of-the-image"
    stop
    # Where nothing but the data can be written, an import puts aside there what does not fit into memory.
    echo '{"_id":"moved","userName":"moved","sn":"In","givenName":"Moved","mail":"moved@example.test"}' >"$work/bundle/rootfs/people.jsonl"
    for look in --dry-run ''; do
        (confined "$work/bundle/rootfs" /data "$work/data" /usr/bin/vestibule import $look /people.jsonl) >"$work/out" 2>"$work/log" || fail "the import in the image"
    done
    grep -q '^imported: 1;' "$work/out" || fail "the import in the image brought nobody"
    size=$(find "$work/layout/blobs" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }')
    echo "$size bytes compressed"
    [ -n "${VESTIBULE_STATIC_BINARY:-}" ] || [ "$size" -le 15728640 ] || fail "the image has more than 15 MiB"
fi
archive=$output/vestibule-$version-linux-$machine.tar.gz
if [ -e "$archive" ]; then
    say "the archive's binary, alone"
    mkdir "$work/alone"
    tar --extract --gzip --file "$archive" --directory "$work/alone" --strip-components=1
    bwrap --ro-bind "$work/alone" / --unshare-all --clearenv /bin/vestibule --version
    mkdir "$work/alone/project"
    cp -r conf "$work/alone/project/conf"
    bwrap --ro-bind "$work/alone" / --unshare-all --clearenv /bin/vestibule check --project /project
    # Neither names nor certificate authorities are in there, nor a place for temporary files.
    mkdir "$work/alone/data" "$work/people"
    cat >"$work/alone/project/conf/external.email.json" <<MAIL
{"host": "127.0.0.1", "port": $port, "from": "noreply@example.test", "auth": {"enable": false}, "starttls": {"enable": false}}
MAIL
    echo '{"_id":"moved","userName":"moved","sn":"In","givenName":"Moved","mail":"moved@example.test"}' >"$work/alone/people.jsonl"
    alone() {
        exec bwrap --ro-bind "$work/alone" / --bind "$work/people" /data --unshare-user --unshare-ipc --unshare-uts --die-with-parent --clearenv \
            --setenv OPENIDM_ADMIN_PASSWORD Adm1nistrator-of-the-package /bin/vestibule "$@" --project /project --data /data
    }
    (alone import --dry-run /people.jsonl) >"$work/out" 2>"$work/log" || fail "a dry run, alone"
    (alone import /people.jsonl) >"$work/out" 2>"$work/log" || fail "an import, alone"
    : >"$work/out"
    alone serve --listen 127.0.0.1:0 >"$work/out" 2>"$work/log" &
    server=$!
    listens
    reset bjensen "Passw0rd-of-the-archive"
    stop
fi

chart=$output/vestibule-chart-$version.tgz
helm=${VESTIBULE_HELM:-$(command -v helm || true)}
if [ -e "$chart" ] && [ -n "$helm" ]; then
    say "the chart"
    "$helm" lint "$chart"
    validate=${VESTIBULE_KUBERNETES_VALIDATE:-$(command -v kubernetes-validate || true)}
    settings() { printf 'project.conf=conf,keys=keys,project.settings=[%s]\nurl = "postgres://v@db/identity"' "$1"; }
    shared=$(settings store)
    for values in replicas=1 data=claim "$shared,replicas=2" replicas=1,project.conf=conf,keys=keys,environment=secrets,extraEnv.A=b; do
        "$helm" template id "$chart" --kube-version 1.31.0 --set "$values" >"$work/chart.yaml"
        [ -z "$validate" ] || "$validate" --strict -k 1.31 "$work/chart.yaml"
    done
    # The successor starts before its predecessor ends where they share nothing but the database.
    for values in "$shared,replicas=2" "$shared"; do
        "$helm" template id "$chart" --kube-version 1.31.0 --set "$values" | grep 'maxUnavailable: 0' >/dev/null
    done
    for values in replicas=1 data=claim "$shared,data=claim" "$(settings other)"; do
        "$helm" template id "$chart" --kube-version 1.31.0 --set "$values" | grep 'type: Recreate' >/dev/null
    done
    # Settings stand before the table of the keys, which is written once.
    printf 'pages = false\n[limits]\ndrain_seconds = 10\n' >"$work/top.toml"
    "$helm" template id "$chart" --kube-version 1.31.0 --set project.conf=conf,keys=keys --set-file "project.settings=$work/top.toml" >"$work/chart.yaml"
    [ "$(sed -n 's/^    \(pages = false\|\[limits\]\|\[keys\]\)$/\1/p' "$work/chart.yaml" | paste -sd ' ')" = 'pages = false [limits] [keys]' ] ||
        fail "the settings of the chart are in another order"
    for doubled in '[keys]' ' [ keys ] # mine' '["keys"]' '[keys.own]' 'keys = {}' 'keys.source = "file"' '[limits]\n[keys]'; do
        printf '%b\n' "$doubled" >"$work/doubled.toml"
        ! "$helm" template id "$chart" --kube-version 1.31.0 --set project.conf=conf,keys=keys --set-file "project.settings=$work/doubled.toml" 2>/dev/null >&2 ||
            fail "settings with $doubled are taken beside the Secret of the keys"
    done
    for taken in '[limits]\nkeys = 1' '#[keys]'; do
        printf '%b\n' "$taken" >"$work/taken.toml"
        "$helm" template id "$chart" --kube-version 1.31.0 --set project.conf=conf,keys=keys --set-file "project.settings=$work/taken.toml" >/dev/null
    done
    for values in replicas=2 replicas=2,project.conf=conf,keys=keys keys=keys "$shared,replicas=2,data=claim" "$(settings other),replicas=2" startAttempts=0; do
        ! "$helm" template id "$chart" --kube-version 1.31.0 --set "$values" 2>/dev/null || { echo "$values cannot be, and is taken" >&2; exit 1; }
    done
else
    echo "there is no helm here (VESTIBULE_HELM names one): the chart was not tried"
fi
say "done"
