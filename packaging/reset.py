#!/usr/bin/env python3
"""A first reset, as a person sees it: reset.py SERVER MAIL_PORT NAME NEW_PASSWORD. Is the mail server on MAIL_PORT itself, makes the person where they are
missing (as the administrator, password in OPENIDM_ADMIN_PASSWORD), and fails unless they sign in with the new password afterwards."""
import json
import os
import re
import socketserver
import sys
import threading
import urllib.error
import urllib.request
from email import message_from_bytes, policy

ARRIVED = threading.Condition()
MAILS = []
PATIENCE = 120


class Server(socketserver.ThreadingTCPServer):
    """A second one takes the port of the first."""

    allow_reuse_address = True
    daemon_threads = True


class Mailbox(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as it takes to be given a mail."""

    def handle(self):
        say = lambda text: self.wfile.write(text.encode() + b"\r\n")
        say("220 mail.test")
        while line := self.rfile.readline():
            verb = line.strip().upper()[:4]
            if verb == b"DATA":
                say("354 go on")
                lines = []
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(line[1:] if line.startswith(b".") else line)
                with ARRIVED:
                    MAILS.append(b"".join(lines))
                    ARRIVED.notify_all()
            if verb == b"QUIT":
                say("221 good-bye")
                return
            say("250 mail.test")


def ask(server, path, body=None, name="anonymous", password="anonymous"):
    data = None if body is None else json.dumps(body).encode()
    headers = {"X-OpenIDM-Username": name, "X-OpenIDM-Password": password, "X-OpenIDM-NoSession": "true", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{server}/openidm/{path}", data, headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def mailed(address):
    """The code in the first mail to somebody that has one. A notice to somebody else, which nobody took before, may come first."""
    for seen in range(sys.maxsize):
        with ARRIVED:
            assert ARRIVED.wait_for(lambda: len(MAILS) > seen, PATIENCE), "no mail came"
        mail = message_from_bytes(MAILS[seen], policy=policy.default)
        code = re.search(r"[?&]code=([^&\"]+)", mail.get_body().get_content().replace("&amp;", "&"))
        if code and address in mail["To"]:
            return code.group(1)


def main():
    server, port, name, new = sys.argv[1:]
    mails = Server(("127.0.0.1", int(port)), Mailbox)
    threading.Thread(target=mails.serve_forever, daemon=True).start()
    administrator = os.environ["OPENIDM_ADMIN_PASSWORD"]
    person = {"userName": name, "mail": f"{name}@example.test", "givenName": "Quincy", "sn": "Zweig", "password": "Passw0rd-of-the-first-day"}
    status, said = ask(server, "managed/user?_action=create", person, "openidm-admin", administrator)
    # They may be there from before an upgrade.
    assert status == 201 or (status == 403 and "UNIQUE" in json.dumps(said)), (status, said)

    def submit(token, given):
        body = {"input": given} if token is None else {"token": token, "input": given}
        status, said = ask(server, "selfservice/reset?_action=submitRequirements", body)
        assert status == 200, (status, said)
        return said

    step = submit(None, {})
    step = submit(step["token"], {"queryFilter": f'mail eq "{name}@example.test"'})
    assert step["tag"] == "validateCode", step
    step = submit(step["token"], {"code": mailed(f"{name}@example.test")})
    step = submit(step["token"], {"password": new})
    assert step["tag"] == "end" and step["status"]["success"] is True, step
    status, said = ask(server, "info/login", name=name, password=new)
    assert status == 200 and said["authenticationId"] == name, (status, said)
    print(f"{name} has a new password")
    mails.shutdown()


if __name__ == "__main__":
    main()
