"""Key material of an operator, made anew at every call: an RSA pair as PKCS#8, as PEM, and in a PKCS#12 file as IDM's keystore has it.

The password and the alias are the two arguments; the answer is one line of JSON on standard output, binary members in base64.
"""

import base64
import datetime
import json
import sys

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import pkcs12
except ImportError as missing:
    sys.exit(f"{missing}: run `make tools`")


def certificate(pair, alias):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, alias)])
    begins = datetime.datetime(2020, 1, 1)
    made = x509.CertificateBuilder(name, name, pair.public_key(), 1, begins, begins + datetime.timedelta(days=36500))
    return made.sign(pair, SHA256())


def pem(pair, encryption):
    return pair.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()


def main(password, alias):
    pair = rsa.generate_private_key(65537, 2048)
    clear = serialization.NoEncryption()
    locked = serialization.BestAvailableEncryption(password.encode())
    der = pair.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, clear)
    store = pkcs12.serialize_key_and_certificates(alias.encode(), pair, certificate(pair, alias), None, locked)
    made = {
        "rsa": base64.b64encode(der).decode(),
        "pem": pem(pair, clear),
        "encrypted": pem(pair, locked),
        "other": pem(ec.generate_private_key(ec.SECP256R1()), clear),
        "pkcs12": base64.b64encode(store).decode(),
    }
    print(json.dumps(made))


main(*sys.argv[1:])
