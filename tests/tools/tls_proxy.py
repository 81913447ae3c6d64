"""A proxy for tests that takes TLS off: https in front, plain HTTP and `X-Forwarded-Proto: https` behind, one request per connection.

Called with the port behind it; the first line is {"listening": PORT}. Its certificate is made at the start and nobody's.
It ends when its standard input does.
"""

import asyncio
import datetime
import json
import ssl
import sys
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def context():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    text = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(secret + text)
        file.flush()
        tls.load_cert_chain(file.name)
    return tls


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


def serve(port):
    async def connection(reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, OSError):
            writer.close()
            return
        lines = [line for line in head[:-4].split(b"\r\n") if not line.lower().startswith(b"connection:")]
        lines += [b"X-Forwarded-Proto: https", b"X-Forwarded-For: 192.0.2.7", b"Connection: close"]
        behind_reader, behind = await asyncio.open_connection("127.0.0.1", port)
        behind.write(b"\r\n".join(lines) + b"\r\n\r\n")
        upwards = asyncio.ensure_future(pump(reader, behind))
        await pump(behind_reader, writer)
        upwards.cancel()

    return connection


async def main():
    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(serve(int(sys.argv[1])), "127.0.0.1", 0, ssl=context())
    print(json.dumps({"listening": server.sockets[0].getsockname()[1]}), flush=True)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


asyncio.run(main())
