"""A mail server for tests: takes every mail, prints it as one JSON line, and keeps nothing.

The first line is {"listening": PORT}. What a recipient is called decides what happens to a mail:
    refuse-*, reject@  550, for good
    defer-*            451, come back later, until a line "admit ADDRESS" arrives on standard input
    slow-*             250, but only after such a line
The server ends when its standard input does, so it never outlives the tests that started it.
"""

import asyncio
import base64
import email
import email.policy
import json
import sys

from aiosmtpd.smtp import SMTP

admitted = set()
changed = asyncio.Condition()


def say(value):
    print(json.dumps(value), flush=True)


def decoded(message):
    """The text of a mail, its transfer encoding taken off."""
    parts = [part for part in message.walk() if not part.is_multipart()]
    return "".join((part.get_payload(decode=True) or b"").decode(part.get_content_charset() or "utf-8", "replace") for part in parts)


class Sink:
    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.lower()
        if name.startswith(("refuse-", "reject@")):
            say({"refused": address})
            return "550 5.1.1 nobody of that name here"
        if name.startswith("defer-") and name not in admitted:
            say({"deferred": address})
            return "451 4.3.0 come back later"
        if name.startswith("slow-"):
            say({"waiting": address})
            async with changed:
                await changed.wait_for(lambda: name in admitted)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        say(
            {
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "headers": [[name, str(value)] for name, value in message.items()],
                "raw": base64.b64encode(envelope.content).decode(),
                "body": decoded(message),
            }
        )
        return "250 OK"


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Sink(), enable_SMTPUTF8=True, loop=loop, ident="sink"), "127.0.0.1", 0)
    say({"listening": server.sockets[0].getsockname()[1]})
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        word, _, address = line.decode().strip().partition(" ")
        if word == "admit":
            async with changed:
                admitted.add(address.lower())
                changed.notify_all()


asyncio.run(main())
