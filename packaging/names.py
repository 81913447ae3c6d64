#!/usr/bin/env python3
"""Answers every question for an IPv4 address with 127.0.0.1, and every other one with nothing: names.py ADDRESS, on port 53 (RFC 1035)."""
import socketserver
import struct
import sys


class Question(socketserver.BaseRequestHandler):
    def handle(self):
        asked, socket = self.request
        end = asked.index(b"\0", 12) + 5
        (kind,) = struct.unpack("!H", asked[end - 4 : end - 2])
        answers = [b"\xc0\x0c" + struct.pack("!HHIH4B", 1, 1, 60, 4, 127, 0, 0, 1)] if kind == 1 else []
        head = asked[:2] + struct.pack("!HHHHH", 0x8180, 1, len(answers), 0, 0)
        socket.sendto(head + asked[12:end] + b"".join(answers), self.client_address)


if __name__ == "__main__":
    with socketserver.ThreadingUDPServer((sys.argv[1], 53), Question) as server:
        print("ready", flush=True)
        server.serve_forever()
