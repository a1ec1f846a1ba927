"""mitmproxy as a peer: it sends bench.test to the stand-in and sets one header."""

import os

HOST, PORT = os.environ["UPSTREAM"].rsplit(":", 1)


def server_connect(data):
    data.server.address = (HOST, int(PORT))


def request(flow):
    flow.request.headers["authorization"] = "Bearer sk-bench-0123456789abcdef"


def responseheaders(flow):
    # Events would else be gathered until the stream ends.
    flow.response.stream = flow.request.path == "/events"
