#!/usr/bin/env python3
"""A stand-in for a host on the Internet: answers every GET over TLS with `hello`, until its standard input ends.

    upstream.py NAME FOLDER

Makes an authority for itself in FOLDER/ca.pem and writes the port, on loopback, to FOLDER/port.
"""

import http.server
import os
import ssl
import subprocess
import sys
import threading

name, folder = sys.argv[1:]
key, certificate = f"{folder}/key.pem", f"{folder}/ca.pem"
subprocess.run(
    ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
     "-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", certificate],
    check=True, stderr=subprocess.DEVNULL,
)


class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hello)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
with open(f"{folder}/port.new", "w", encoding="ascii") as file:
    file.write(str(server.server_port))
os.rename(f"{folder}/port.new", f"{folder}/port")
sys.stdin.read()
