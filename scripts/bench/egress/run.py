#!/usr/bin/env python3
"""Measures the egress beside mitmproxy and prints a Markdown table; scripts/bench/egress.sh calls it.

    run.py EGRESS_LOAD MITMDUMP [SECONDS] [MIB] [STREAMS]

One run, one upstream, one load client (benches/egress_load.rs); all traffic is on loopback.
"""

import json
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent


class Process:
    """A server; one that is not given an address prints its own first."""

    def __init__(self, command, env=None, address=None):
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
        self.address = address or self.child.stdout.readline().strip()

    def memory(self):
        """The most memory that it ever had, in MiB."""
        with open(f"/proc/{self.child.pid}/status") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:"))

    def stop(self):
        self.child.terminate()
        self.child.wait()


def wait_for(address):
    host, port = address.rsplit(":", 1)
    for _ in range(600):
        try:
            socket.create_connection((host, int(port)), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nothing listens on {address}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def main():
    load, mitmdump, *rest = sys.argv[1:]
    seconds, mib, streams = (rest + ["5", "1024", "1000"][len(rest):])[:3]
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    folder = pathlib.Path(tempfile.mkdtemp())
    upstream_ca = str(folder / "upstream.pem")
    upstream = Process([load, "upstream", upstream_ca])

    def measure(what, via, ca, *arguments):
        command = [load, what, via, ca, *arguments]
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=180, check=True)
        except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
            return None
        return json.loads(done.stdout)

    def egress():
        return Process([load, "egress", upstream.address, upstream_ca, str(folder / "egress.pem")])

    def mitmproxy():
        address = f"127.0.0.1:{free_port()}"
        options = {
            "confdir": folder / "mitm",
            # HTTP/1.1 to the upstream is the faster of its two.
            "http2": "false",
            "ssl_verify_upstream_trusted_ca": upstream_ca,
            "stream_large_bodies": "1m",
        }
        command = [mitmdump, "-q", "--listen-host", "127.0.0.1", "-p", address.rsplit(":", 1)[1]]
        command += [part for item in options.items() for part in ("--set", "%s=%s" % item)]
        command += ["-s", str(HERE / "set_header.py")]
        process = Process(command, dict(os.environ, UPSTREAM=upstream.address), address)
        wait_for(address)
        return process

    direct = f"direct:{upstream.address}"
    rows = {"direct": {
        "many": measure("load", direct, upstream_ca, "32", seconds),
        "one": measure("load", direct, upstream_ca, "1", seconds),
        "big": measure("big", direct, upstream_ca, mib),
        "events": measure("events", direct, upstream_ca, streams),
    }}
    peers = [
        ("egress", egress, str(folder / "egress.pem")),
        ("mitmproxy", mitmproxy, str(folder / "mitm" / "mitmproxy-ca-cert.pem")),
    ]
    parts = [("many", "load", ["32", seconds]), ("one", "load", ["1", seconds]),
             ("big", "big", [mib]), ("events", "events", [streams])]
    for name, make, ca in peers:
        rows[name] = {}
        for part, what, arguments in parts:
            process = make()
            rows[name][part] = measure(what, f"proxy:{process.address}", ca, *arguments)
            if rows[name][part]:
                rows[name][part]["memory"] = process.memory()
            process.stop()
    upstream.stop()
    shutil.rmtree(folder)
    version = subprocess.run([mitmdump, "--version"], stdout=subprocess.PIPE, text=True).stdout.split()[1]
    print(table(rows, version, mib, streams))


def table(rows, version, mib, streams):
    names = ["egress", "mitmproxy", "direct"]

    def row(title, part, text):
        cells = [text(rows[n][part]) if rows[n][part] else "failed" for n in names]
        return f"| {title} | **{cells[0]}** | {cells[1]} | {cells[2]} |"

    def many(r):
        return f"{r['requests_per_second']:,.0f}"

    def latency(r):
        return f"{r['median_ms']:.2f} / {r['p99_ms']:.2f} ms"

    def big(r):
        return f"{r['down_seconds']:.1f} / {r['up_seconds']:.1f} s"

    def memory(r):
        return f"{r['memory']:.0f} MiB" if "memory" in r else ""

    lines = [
        f"| what | egress | mitmproxy {version} | no proxy |",
        "| --- | --- | --- | --- |",
        row("requests a second, 32 connections, 1 KiB answers", "many", many),
        row("one warm connection, median / p99", "one", latency),
        row(f"a body of {mib} MiB down / up", "big", big),
        row("most memory meanwhile", "big", memory),
        row(f"first byte of {int(streams):,} open event streams, median / p99", "events", latency),
        row("most memory meanwhile", "events", memory),
    ]
    ours, theirs, bare = (rows[n] for n in names)
    if ours["many"] and theirs["many"] and ours["one"]:
        times = ours["many"]["requests_per_second"] / theirs["many"]["requests_per_second"]
        added = ours["one"]["median_ms"] - bare["one"]["median_ms"]
        lines += ["", f"The egress serves {times:.0f} × the requests of mitmproxy and adds {added:.2f} ms."]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
