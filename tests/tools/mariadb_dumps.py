"""Makes the dumps of tests/dumps anew: puts objects.jsonl into a repository on MariaDB, and has mariadb-dump write it in several forms.

    python3 tests/tools/mariadb_dumps.py

It needs mariadbd, mariadb-install-db, mariadb and mariadb-dump of Debian's packages mariadb-server and mariadb-client, runs a server of its own in a
temporary directory, which no network reaches, as somebody who is not root, and ends it. The tables are those of the product's script for MySQL, as
far as they hold something of people.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

DUMPS = pathlib.Path(__file__).resolve().parent.parent / "dumps"
TYPES = ["managed/user", "managed/role", "internal/usermeta", "relationships", "jsonstorage", "internal/notification", "cluster/states"]
# --skip-comments and --skip-dump-date keep what differs from run to run out; the first form has everything a plain call writes but the date.
FORMS = {
    "default": [],
    "single": ["--skip-extended-insert", "--complete-insert"],
    "bytes": ["--hex-blob", "--skip-quote-names", "--skip-add-locks"],
    "data": ["--no-create-info", "--skip-comments", "--compact"],
    "ansi": ["--compatible=ansi", "--complete-insert"],
}


def quoted(text):
    """A text as the server reads it whatever stands in it: its bytes."""
    if text is None:
        return "NULL"
    return "CONVERT(X'" + text.encode().hex() + "' USING utf8mb4)" if text else "''"


def repository():
    yield "CREATE DATABASE openidm CHARACTER SET utf8mb4 COLLATE utf8mb4_bin; USE openidm;"
    yield "CREATE TABLE objecttypes (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT, objecttype VARCHAR(255) NOT NULL, PRIMARY KEY (id), UNIQUE INDEX idx_objecttypes_objecttype (objecttype ASC)) ENGINE = InnoDB;"
    for table in ["managedobjects", "metaobjects", "genericobjects", "notificationobjects", "clusterobjects"]:
        yield (
            f"CREATE TABLE {table} (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT, objecttypes_id BIGINT UNSIGNED NOT NULL, objectid VARCHAR(255) NOT NULL, "
            f"rev VARCHAR(38) NOT NULL, fullobject MEDIUMTEXT NULL, PRIMARY KEY (id), UNIQUE INDEX `idx-{table}_object` (objecttypes_id ASC, objectid ASC), "
            f"CONSTRAINT fk_{table} FOREIGN KEY (objecttypes_id) REFERENCES objecttypes (id) ON DELETE CASCADE ON UPDATE NO ACTION) ENGINE = InnoDB;"
        )
    yield (
        "CREATE TABLE relationships (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT, objecttypes_id BIGINT UNSIGNED NOT NULL, objectid VARCHAR(255) NOT NULL, "
        "rev VARCHAR(38) NOT NULL, fullobject MEDIUMTEXT NULL, firstresourcecollection VARCHAR(255), firstresourceid VARCHAR(56), firstpropertyname VARCHAR(100), "
        "secondresourcecollection VARCHAR(255), secondresourceid VARCHAR(56), secondpropertyname VARCHAR(100), PRIMARY KEY (id)) ENGINE = InnoDB;"
    )
    yield "CREATE TABLE internaluser (objectid VARCHAR(255) NOT NULL, rev VARCHAR(38) NOT NULL, pwd VARCHAR(510) NULL, PRIMARY KEY (objectid));"
    yield (
        "CREATE TABLE internalrole (objectid VARCHAR(255) NOT NULL, rev VARCHAR(38) NOT NULL, name VARCHAR(64) NULL, description VARCHAR(510) NULL, "
        "temporalConstraints VARCHAR(1024) NULL, conditional VARCHAR(1024) NULL, privs MEDIUMTEXT NULL, PRIMARY KEY (objectid));"
    )
    # Nobody reads these: bytes that are no text, bits, a trigger and a view.
    yield "CREATE TABLE links (objectid VARCHAR(38), mixed BLOB, flag BIT(3), t TEXT DEFAULT 'it''s; (a)' COMMENT 'none; #');"
    yield "INSERT INTO links VALUES ('x', X'00FF275C0A22', b'101', '\\\\');"
    yield "CREATE VIEW deep AS SELECT objectid, '; it''s' AS one FROM managedobjects;"
    yield "CREATE TRIGGER noisy BEFORE DELETE ON links FOR EACH ROW SET @a = 'it''s; -- no';"
    yield "INSERT INTO internaluser VALUES ('openidm-admin', '0', 'x'), ('backup', '0', 'x');"
    yield "INSERT INTO internalrole (objectid, rev, name) VALUES ('openidm-admin', '0', 'Admin');"
    for number, kind in enumerate(TYPES, 1):
        yield f"INSERT INTO objecttypes VALUES ({number}, '{kind}');"
    yield "INSERT INTO genericobjects VALUES (1000, 5, 'token', '0', " + quoted('{"it\'s": "a token"}') + ");"
    yield "INSERT INTO notificationobjects VALUES (1, 6, 'note', '0', '{}'); INSERT INTO clusterobjects VALUES (1, 7, 'node', '0', '{}');"
    yield relationship(("managed/user/plain", "_notifications"), ("internal/notification/note", None), {})
    for line in (DUMPS / "objects.jsonl").read_text().split("\n"):
        if not line:
            continue
        content = json.loads(line)
        collection, ident, rev = content.pop("_collection"), content.pop("_id"), content.pop("_rev")
        if collection == "internal/role":
            values = [ident, rev, content["name"], content["description"], "[]", None, json.dumps(content["privileges"])]
            yield f"INSERT INTO internalrole VALUES ({', '.join(map(quoted, values))});"
            continue
        path = f"{collection}/{ident}"
        meta = content.pop("_meta", None)
        if meta is not None:
            of = f"meta of {ident}"
            yield f"INSERT INTO metaobjects (objecttypes_id, objectid, rev, fullobject) VALUES (3, {quoted(of)}, '0', {quoted(json.dumps(meta))});"
            yield relationship((path, "_meta"), (f"internal/usermeta/{of}", None), {})
        for name, back in [("manager", "reports"), ("roles", "members"), ("authzRoles", "authzMembers")]:
            value = content.pop(name, None)
            for one in value if isinstance(value, list) else [value] if value else []:
                yield relationship((path, name), (one["_ref"], back), one.get("_refProperties", {}))
        whole = quoted(json.dumps({"_id": ident, "_rev": rev} | content, ensure_ascii=False))
        kind = TYPES.index(collection) + 1
        yield f"INSERT INTO managedobjects (objecttypes_id, objectid, rev, fullobject) VALUES ({kind}, {quoted(ident)}, '{rev}', {whole});"


def relationship(first, second, properties):
    ends = [part for path, name in (first, second) for part in (*path.rsplit("/", 1), name)]
    values = ", ".join(map(quoted, [json.dumps({"properties": properties}, ensure_ascii=False), *ends]))
    return f"INSERT INTO relationships VALUES (DEFAULT, 4, 'r', '0', {values});"


def main():
    directory = pathlib.Path(tempfile.mkdtemp())
    prefix = pathlib.Path(os.environ.get("MARIADB", "/usr"))
    data, socket = directory / "data", directory / "socket"
    run_as = []
    if os.geteuid() == 0:
        run_as = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]
        shutil.chown(directory, "nobody", "nogroup")
    install = [f"{prefix}/bin/mariadb-install-db", "--no-defaults", f"--basedir={prefix}", f"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run([*run_as, *install], check=True, stdout=subprocess.DEVNULL)
    arguments = [f"--basedir={prefix}", f"--lc-messages-dir={prefix}/share/mysql", f"--datadir={data}", f"--socket={socket}", "--skip-networking"]
    server = subprocess.Popen([*run_as, f"{prefix}/sbin/mariadbd", "--no-defaults", *arguments], stderr=subprocess.DEVNULL)
    client = ["--no-defaults", "-uroot", f"--socket={socket}", "--default-character-set=utf8mb4"]
    try:
        while subprocess.run([f"{prefix}/bin/mariadb", *client, "-e", "SELECT 1"], capture_output=True).returncode:
            if server.poll() is not None:
                raise SystemExit("mariadbd has ended")
            time.sleep(0.1)
        subprocess.run([f"{prefix}/bin/mariadb", *client], input="\n".join(repository()).encode(), check=True)
        for name, form in FORMS.items():
            dump = subprocess.run([f"{prefix}/bin/mariadb-dump", *client, "--skip-dump-date", *form, "openidm"], check=True, capture_output=True)
            (DUMPS / f"mariadb-{name}.sql").write_bytes(dump.stdout)
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(directory)


main()
