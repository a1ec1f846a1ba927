#!/usr/bin/env python3
"""Stands between an editor and the language server and writes down what each said.

    BOT_BOTTLE_BIN=PROGRAM BOT_BOTTLE_LSP_LOG=FILE tee.py lsp

One JSON object a line in FILE: {"pid", "from": "client"|"server", "text": the message's body as sent},
and at the end {"pid", "exit": the server's exit code}. Without BOT_BOTTLE_LSP_LOG it becomes the program.
"""

import json
import os
import subprocess
import sys
import threading

PROGRAM = [os.environ["BOT_BOTTLE_BIN"], *sys.argv[1:]]
lock = threading.Lock()


def note(log, **entry):
    with lock:
        log.write(json.dumps({"pid": os.getpid(), **entry}) + "\n")
        log.flush()


def read_message(stream):
    """The header and the body of one message; None at the end."""
    header = b""
    while not header.endswith(b"\r\n\r\n"):
        byte = stream.read(1)
        if not byte:
            return None
        header += byte
    fields = dict(line.split(b": ", 1) for line in header.strip().split(b"\r\n"))
    return header, stream.read(int(fields[b"Content-Length"]))


def pump(who, source, target, log):
    while (message := read_message(source)) is not None:
        header, body = message
        note(log, **{"from": who}, text=body.decode("utf-8"))
        try:
            target.write(header + body)
            target.flush()
        except BrokenPipeError:
            break
    try:
        target.close()
    except BrokenPipeError:
        pass


def main():
    path = os.environ.get("BOT_BOTTLE_LSP_LOG")
    if path is None or sys.argv[1:2] != ["lsp"]:
        os.execv(PROGRAM[0], PROGRAM)
    with open(path, "a", encoding="utf-8") as log:
        server = subprocess.Popen(PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        threading.Thread(target=pump, args=("client", sys.stdin.buffer, server.stdin, log), daemon=True).start()
        pump("server", server.stdout, sys.stdout.buffer, log)
        code = server.wait()
        note(log, exit=code)
    os._exit(code)


main()
