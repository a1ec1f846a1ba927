#!/usr/bin/env python3
"""Checks a recording of tee.py strictly against lsprotocol's types.

    check_recording.py FILE…

lsprotocol alone accepts unknown keys and coerces values, so each message is built into its type and compared
with its way back. Beside that: every request has exactly one answer, no answer comes unasked, and a server that
was told to go leaves with 0. Ends with 1 when anything the server said, or left unsaid, is wrong; what the
editor said is held to the same measure, but only reported.
"""

import json
import sys
from dataclasses import dataclass, field
from typing import Optional, Union

import attrs
from lsprotocol import converters, types

CONVERTER = converters.get_converter()


def command_or_action(value, _):
    """lsprotocol takes every action that has a command for a command."""
    return CONVERTER.structure(value, types.Command if isinstance(value.get("command"), str) else types.CodeAction)


CONVERTER.register_structure_hook(Union[types.Command, types.CodeAction], command_or_action)


@attrs.define
class OpenTerminalParams:
    title: str
    cwd: str
    argv: list[str]


@attrs.define
class OpenTerminalRequest:
    id: int | str
    params: OpenTerminalParams
    method: str
    jsonrpc: str


@attrs.define
class OpenTerminalResponse:
    id: int | str
    result: None
    jsonrpc: str


# Our one request beyond the protocol.
OWN = {"botBottle/openTerminal": (OpenTerminalRequest, OpenTerminalResponse)}
METHODS = {**{method: found[:2] for method, found in types.METHOD_TO_TYPES.items()}, **OWN}


@dataclass
class Session:
    """One run of the server, and what is still to be answered in it."""

    open: dict = field(default_factory=dict)
    messages: int = 0
    told_to_exit: bool = False
    exit: Optional[int] = None


def unique_keys(pairs):
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise ValueError(f"a key twice among {keys}")
    return dict(pairs)


def differences(sent, back, path="message"):
    """Where the message and its way back through the types differ."""
    if isinstance(sent, dict) and isinstance(back, dict):
        for key in sent.keys() | back.keys():
            where = f"{path}.{key}"
            if key not in back:
                yield f"{where}: {'null is not allowed' if sent[key] is None else 'unknown'}: {json.dumps(sent[key])[:80]}"
            elif key not in sent:
                # A null that only the way back has is lsprotocol's own.
                if back[key] is not None:
                    yield f"{where}: missing, {json.dumps(back[key])[:80]}"
            else:
                yield from differences(sent[key], back[key], where)
    elif isinstance(sent, list) and isinstance(back, list) and len(sent) == len(back):
        for index, (one, other) in enumerate(zip(sent, back)):
            yield from differences(one, other, f"{path}[{index}]")
    elif type(sent) is not type(back) or sent != back:
        yield f"{path}: {json.dumps(sent)[:80]} comes back as {json.dumps(back)[:80]}"


def typed(message, kind):
    try:
        back = json.loads(json.dumps(CONVERTER.unstructure(CONVERTER.structure(message, kind), kind)))
    except Exception as error:  # cattrs raises many kinds, nested
        return [f"is no {kind.__name__}: {flat(error)}"]
    return list(differences(message, back))


def flat(error):
    inner = getattr(error, "exceptions", None)
    return "; ".join(map(flat, inner)) if inner else f"{type(error).__name__}: {error}"


def check_answer(session, who, message):
    """An answer is of the type that its request asks for, and there is a request."""
    asked = session.open.pop((other(who), json.dumps(message["id"])), None)
    if asked is None:
        return [f"answers {message['id']}, which nobody asked"]
    if ("result" in message) == ("error" in message):
        return [f"{asked}: neither result nor error, or both"]
    if "error" in message:
        return [f"{asked} {problem}" for problem in typed(message, types.ResponseErrorMessage)]
    return [f"{asked} {problem}" for problem in typed(message, METHODS[asked][1])]


def check_message(session, who, text):
    try:
        message = json.loads(text, object_pairs_hook=unique_keys)
    except ValueError as error:
        return [f"is not JSON: {error}"]
    method = message.get("method")
    if method is None:
        return check_answer(session, who, message)
    if "id" in message and session.told_to_exit and who == "client":
        pass  # An editor may still ask on its way out; nobody is there to answer.
    elif "id" in message:
        session.open[(who, json.dumps(message["id"]))] = method
    elif method == "exit":
        session.told_to_exit = True
    if method not in METHODS:
        # `$/` notifications may be ignored by whoever does not know them.
        return [] if method.startswith("$/") else [f"{method}: unknown method"]
    direction = "both" if method in OWN else types.message_direction(method)
    wrong_way = {"client": "serverToClient", "server": "clientToServer"}[who]
    problems = [f"{method}: goes the other way"] if direction == wrong_way else []
    return problems + [f"{method} {problem}" for problem in typed(message, METHODS[method][0])]


def other(who):
    return "server" if who == "client" else "client"


def check_file(path):
    sessions, problems = {}, {"client": {}, "server": {}}
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            entry = json.loads(line)
            session = sessions.setdefault(entry["pid"], Session())
            if "exit" in entry:
                session.exit = entry["exit"]
                continue
            session.messages += 1
            for problem in check_message(session, entry["from"], entry["text"]):
                problems[entry["from"]].setdefault(problem, number)
    for session in sessions.values():
        for (who, id), method in session.open.items():
            problems[other(who)][f"{method} ({id}) from the {who} has no answer"] = 0
        # No exit code: the editor did not wait for it (Emacs kills what it has told to go).
        if session.told_to_exit and session.exit not in (0, None):
            problems["server"][f"told to exit, it left with {session.exit}"] = 0
    return sum(session.messages for session in sessions.values()), problems


def main():
    failed = False
    for path in sys.argv[1:]:
        count, problems = check_file(path)
        for who, found in problems.items():
            for problem, line in found.items():
                print(f"{path}:{line}: {who}: {problem}")
        failed |= bool(problems["server"]) or count == 0
        print(f"{path}: {count} messages, {len(problems['server'])} problems of the server, "
              f"{len(problems['client'])} of the editor")
    sys.exit(failed)


if __name__ == "__main__":
    main()
