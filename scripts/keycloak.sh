#!/bin/sh
# Fetches Keycloak through Maven, once, and builds it for a store in memory: target/tools/keycloak-<version>. Prints where it is.
set -eu
cd "$(dirname "$0")/.."
version=26.7.3
place=${CARGO_TARGET_DIR:-target}/tools/keycloak-$version
case $place in /*) ;; *) place=$PWD/$place ;; esac
if [ ! -e "$place/built" ]; then
    scripts/packages.sh maven:mvn default-jre-headless:java unzip:unzip >&2
    rm -rf "$place.new"
    mkdir -p "$place.new"
    mvn --quiet --batch-mode org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
        -Dartifact="org.keycloak:keycloak-quarkus-dist:$version:zip" -DoutputDirectory="$place.new" >&2
    unzip -q "$place.new/keycloak-quarkus-dist-$version.zip" -d "$place.new"
    rm "$place.new/keycloak-quarkus-dist-$version.zip"
    "$place.new/keycloak-$version/bin/kc.sh" build --db=dev-mem --health-enabled=false >&2
    touch "$place.new/built"
    rm -rf "$place"
    mv "$place.new" "$place"
fi
echo "$place/keycloak-$version"
