"""The other side of the snapshot token tests: jwcrypto seals and opens what the crate `jose` opens and seals.

One command per line on standard input, one answer per line on standard output, both JSON. The first command hands over
the key document of a ring; the keys of every algorithm are derived from it here anew, so the derivation is tested too.
"kept" lists the sealed contexts of a store's file.
"""

import base64
import contextlib
import json
import sqlite3
import sys

try:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    from cryptography.hazmat.primitives.serialization import load_der_private_key
    from jwcrypto import jwa, jwe, jwk, jws
except ImportError as missing:
    sys.exit(f"{missing}: run `make tools`")

# IDM signs with the 24 characters of its secret's base64, fewer than RFC 7518 wants for HS256.
jwa.default_enforce_hmac_key_length = False

WRAPPING_BYTES = {"A128KW": 16, "A192KW": 24, "A256KW": 32}
CONTENT_BYTES = {
    "A128CBC-HS256": 32,
    "A192CBC-HS384": 48,
    "A256CBC-HS512": 64,
    "A128GCM": 16,
    "A192GCM": 24,
    "A256GCM": 32,
}


def text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def data(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Ring:
    def __init__(self, document):
        keys = document["keys"][0]
        pair = load_der_private_key(base64.b64decode(keys["rsa"]), None)
        self.rsa = jwk.JWK.from_pyca(pair)
        self.signing = jwk.JWK(kty="oct", k=text(base64.b64decode(keys["signing"])))
        self.master = base64.b64decode(keys["master"])

    def derive(self, label, length):
        derived = HKDF(SHA256(), length, b"vestibule key ring 1", label.encode()).derive(self.master)
        return jwk.JWK(kty="oct", k=text(derived))

    def key(self, form):
        if form["jwe"] == "dir":
            return self.derive("jwe dir " + form["encryption"], CONTENT_BYTES[form["encryption"]])
        if form["jwe"] in WRAPPING_BYTES:
            return self.derive("jwe wrap " + form["jwe"], WRAPPING_BYTES[form["jwe"]])
        return self.rsa

    def seal(self, form, content):
        header = '{"typ":"JWT","enc":"%s","alg":"%s"}' % (form["encryption"], form["jwe"])
        inner = jwe.JWE(content, protected=header, algs=[form["jwe"], form["encryption"]])
        inner.add_recipient(self.key(form))
        outer = jws.JWS(inner.serialize(compact=True))
        outer.allowed_algs = [form["jws"]]
        outer.add_signature(self.signing, None, '{"typ":"JWT","cty":"JWT","alg":"%s"}' % form["jws"])
        return outer.serialize(compact=True)

    def open(self, form, token):
        outer = jws.JWS()
        outer.allowed_algs = [form["jws"]]
        outer.deserialize(token, self.signing)
        inner = jwe.JWE(algs=[form["jwe"], form["encryption"]])
        inner.deserialize(outer.payload.decode(), self.key(form))
        return inner.payload


def main():
    ring = None
    for line in sys.stdin:
        command = json.loads(line)
        try:
            if command["do"] == "ring":
                ring = Ring(command["document"])
                answer = {}
            elif command["do"] == "kept":
                with contextlib.closing(sqlite3.connect(f"file:{command['file']}?mode=ro", uri=True)) as store:
                    answer = {"rows": [row[0] for row in store.execute("SELECT sealed FROM jsonstorage")]}
            elif command["do"] == "seal":
                answer = {"token": ring.seal(command["form"], data(command["content"]))}
            else:
                answer = {"content": text(ring.open(command["form"], command["token"]))}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


main()
