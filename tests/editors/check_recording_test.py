#!/usr/bin/env python3
"""Each way to break the protocol that check_recording.py shall see is put in, and must be seen."""

import json
import sys
import tempfile

from check_recording import check_file

INITIALIZE = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"processId": 1, "rootUri": None, "capabilities": {}}}
HOVER = {"jsonrpc": "2.0", "id": 2, "method": "textDocument/hover",
         "params": {"textDocument": {"uri": "file:///a"}, "position": {"line": 0, "character": 0}}}


def client(message):
    return {"from": "client", "text": json.dumps(message)}


def answer(id, **fields):
    return server({"jsonrpc": "2.0", "id": id, **fields})


def server(message):
    return {"from": "server", "text": message if isinstance(message, str) else json.dumps(message)}


def hover(contents):
    return [client(HOVER), answer(2, result=contents)]


GOOD = [client(INITIALIZE), answer(1, result={"capabilities": {"hoverProvider": True}})]
EXIT = [client({"jsonrpc": "2.0", "method": "exit"})]
RANGE = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}}


ACTION = {"title": "Explain", "kind": "quickfix", "command": {"title": "Explain", "command": "explain"}}
ACTIONS = {"jsonrpc": "2.0", "id": 2, "method": "textDocument/codeAction",
           "params": {"textDocument": {"uri": "file:///a"}, "range": RANGE, "context": {"diagnostics": []}}}


def published(**fields):
    diagnostic = {"range": RANGE, "message": "m", **fields}
    return server({"jsonrpc": "2.0", "method": "textDocument/publishDiagnostics",
                   "params": {"uri": "file:///a", "diagnostics": [diagnostic]}})


# What is in the recording, and a part of the problem that must be named; None where there is none.
CASES = {
    "a good conversation": (GOOD + hover({"contents": {"kind": "markdown", "value": "x"}}), None),
    "no result is an answer": (GOOD + hover(None), None),
    "an error is an answer": (GOOD + [client(HOVER), answer(2, error={"code": -32800, "message": "cancelled"})], None),
    "an action with a command": (GOOD + [client(ACTIONS), answer(2, result=[ACTION])], None),
    "a command with a kind": (
        GOOD + [client(ACTIONS), answer(2, result=[{**ACTION["command"], "kind": "quickfix"}])], "result[0].kind: unknown"),
    "an unknown key": (GOOD + hover({"contents": "x", "colour": "red"}), "message.result.colour: unknown"),
    "an unknown key of a diagnostic": (GOOD + [published(colour=1)], "diagnostics[0].colour: unknown"),
    "a coerced number": (GOOD + [published(message=1)], "message: 1 comes back as"),
    "a number that is none of the enumeration": (GOOD + [published(severity=9)], "is no"),
    "a null that may not be": (GOOD + [published(source=None)], "null is not allowed"),
    "a missing field": (GOOD + hover({}), "is no"),
    "a key twice": (GOOD + [server('{"jsonrpc": "2.0", "id": 7, "id": 7, "result": null}')], "a key twice"),
    "an unanswered request": (GOOD + [client(HOVER)], "has no answer"),
    "an answer that nobody asked for": (GOOD + [answer(9, result=None)], "nobody asked"),
    "two answers": (GOOD + hover(None) + [answer(2, result=None)], "nobody asked"),
    "result and error": (GOOD + [client(HOVER), answer(2, result=None, error={"code": 1, "message": ""})], "or both"),
    "an unknown method": (GOOD + [server({"jsonrpc": "2.0", "method": "bottle/hello"})], "unknown method"),
    "the wrong way": (GOOD + [server({"jsonrpc": "2.0", "method": "initialized", "params": {}})], "other way"),
    "a terminal without a folder": (
        GOOD + [server({"jsonrpc": "2.0", "id": "t", "method": "botBottle/openTerminal", "params": {"title": "a", "argv": []}}),
                client({"jsonrpc": "2.0", "id": "t", "result": None})], "is no OpenTerminalRequest"),
    "a good end": (GOOD + EXIT + [{"exit": 0}], None),
    "a question after the end": (GOOD + EXIT + [client(HOVER), {"exit": 0}], None),
    "a bad end": (GOOD + EXIT + [{"exit": 1}], "left with 1"),
}

failed = 0
for name, (recording, want) in CASES.items():
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps({"pid": 1, **entry}) + "\n" for entry in recording)
        file.flush()
        found = list(check_file(file.name)[1]["server"])
    good = not found if want is None else any(want in problem for problem in found)
    failed += not good
    print(f"ok - protocol check: {name}" if good else f"not ok - protocol check: {name}: found {found}")
sys.exit(failed > 0)
