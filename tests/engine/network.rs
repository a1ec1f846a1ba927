//! Attacks 1 to 6, 36, 66 and 75: the guest has no network but the proxy.

use crate::rig::Rig;
use crate::upstream::Upstream;
use bot_bottle::egress::Resolve;
use bot_bottle::plan::{GUEST_POLICY, guest_policy};
use bot_bottle::provider::{EgressRoute, RouteOwner};
use std::net::{Ipv4Addr, TcpListener};

/// Tries connections from inside; each line of output is one that worked.
fn python(body: &str) -> String {
    format!(
        "python3 - <<'PY'\nimport socket, sys\nsocket.setdefaulttimeout(5)\n\
         def tried(what, act):\n    try:\n        act()\n    except Exception as e:\n        sys.stderr.write('%s: %s\\n' % (what, e))\n    else:\n        print('REACHED', what)\n{body}\nprint('done')\nPY"
    )
}

/// An allowed host behind a stand-in.
fn allow(rig: &mut Rig, host: &str, upstream: &Upstream) {
    rig.plan.egress_routes.push(EgressRoute::new(host, RouteOwner::Manifest));
    rig.options.upstream.resolve.push(Resolve::new(host, 80, upstream.address));
}

/// Every address that this host itself answers on, with the port of a listener of ours.
fn host_addresses(port: u16) -> String {
    let mut addresses = vec!["127.0.0.1".to_owned(), "172.17.0.1".to_owned(), "10.0.2.2".to_owned()];
    let shown =
        std::process::Command::new("hostname").arg("-I").output().map(|o| o.stdout).unwrap_or_default();
    addresses.extend(String::from_utf8_lossy(&shown).split_whitespace().map(str::to_owned));
    format!("[{}]", addresses.iter().map(|a| format!("('{a}', {port})")).collect::<Vec<_>>().join(", "))
}

on_each! {
    a00_an_allowed_host_is_reached_through_the_proxy(rig) {
        let upstream = Upstream::plain(|_| ("200 OK", "text/plain", "hello".into()));
        allow(rig, "api.test", &upstream);
        let ran = rig.sh("curl -sS http://api.test/x");
        assert_eq!((ran.code, ran.out.as_str()), (0, "hello"), "{ran:?}");
        assert_eq!(upstream.seen().len(), 1);
    }

    the_guest_reads_its_policy_cannot_write_it_and_a_refusal_names_it(rig) {
        let upstream = Upstream::plain(|_| ("200 OK", "text/plain", "hello".into()));
        allow(rig, "api.test", &upstream);
        let ran = rig.sh(&format!(
            "cat {GUEST_POLICY}; for f in {GUEST_POLICY} /etc/bot-bottle/new; do (echo x >$f) 2>/dev/null && echo WRITTEN; done
             rm -f {GUEST_POLICY} 2>/dev/null && echo REMOVED; chmod 666 {GUEST_POLICY} 2>/dev/null && echo OPENED
             curl -sS http://evil.test/ >&2; curl -sS -H 'Accept: application/json' http://evil.test/ >&2"
        ));
        assert_eq!(ran.out, guest_policy(&rig.plan), "{}", ran.err);
        assert!(ran.out.contains("- `api.test`: every path and method"), "{}", ran.out);
        assert_eq!(ran.err.matches(GUEST_POLICY).count(), 2, "{}", ran.err);
    }

    a01_no_direct_tcp(rig) {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("listener");
        listener.set_nonblocking(true).expect("nonblocking");
        let addresses = host_addresses(listener.local_addr().expect("address").port());
        let ran = rig.sh(&python(&format!(
            "for a in {addresses} + [('1.1.1.1', 443), ('192.168.0.1', 80), ('100.64.0.1', 80)]:\n    tried(a, lambda: socket.create_connection(a))"
        )));
        assert_eq!(ran.out, "done\n", "{}", ran.err);
        assert!(listener.accept().is_err(), "the host's listener was reached");
    }

    a02_no_udp_and_no_icmp(rig) {
        let socket = std::net::UdpSocket::bind("0.0.0.0:0").expect("socket");
        socket.set_nonblocking(true).expect("nonblocking");
        let addresses = host_addresses(socket.local_addr().expect("address").port());
        rig.sh(&python(&format!(
            "for a in {addresses}:\n    tried(a, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', a))"
        )));
        assert!(socket.recv(&mut [0; 8]).is_err(), "a datagram reached the host");
        let ran = rig.sh(&python(
            "tried('out', lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('1.1.1.1', 53)))\n\
             tried('raw', lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))\n\
             tried('packet', lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))\n\
             tried('vsock', lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM))"
        ));
        assert_eq!(ran.out, "done\n", "{}", ran.err);
    }

    a03_no_resolver_answers(rig) {
        let ran = rig.sh(&python(
            "for n in ['example.com', 'localhost.localdomain.example', 'metadata.google.internal']:\n    tried(n, lambda: socket.getaddrinfo(n, 80))"
        ));
        assert_eq!(ran.out, "done\n", "{}", ran.err);
    }

    a04_no_ipv6(rig) {
        let ran = rig.sh(&python(
            "for a in ['2606:4700::1111', 'fe80::1', 'fd00:ec2::254', 'ff02::1']:\n    tried(a, lambda: socket.create_connection((a, 80)))"
        ));
        assert_eq!(ran.out, "done\n", "{}", ran.err);
        let interfaces = rig.sh("cut -d: -f1 /proc/net/dev | tail -n +3 | tr -d ' '");
        assert_eq!(interfaces.out, "lo\n");
    }

    a05_no_socket_of_the_host(rig) {
        use std::os::linux::net::SocketAddrExt;
        let name = format!("bot-bottle-test-{}-{}", std::process::id(), rig.options.backend.name());
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).expect("name");
        let listener = std::os::unix::net::UnixListener::bind_addr(&address).expect("listener");
        listener.set_nonblocking(true).expect("nonblocking");
        let ran = rig.sh(&python(&format!(
            "def unix(a):\n    s = socket.socket(socket.AF_UNIX)\n    s.connect(a)\n\
             for a in ['\\0{name}', '/run/docker.sock', '/var/run/docker.sock', '/run/dbus/system_bus_socket', '/tmp/.X11-unix/X0']:\n    tried(a, lambda: unix(a))"
        )));
        assert_eq!(ran.out, "done\n", "{}", ran.err);
        assert!(listener.accept().is_err());
        let found = rig.sh("find / -type s -not -path '/proc/*' 2>/dev/null");
        assert_eq!(found.out, "/run/bot-bottle/net/egress.sock\n");
    }

    a06_no_gateway_and_no_metadata_also_through_the_proxy(rig) {
        let upstream = Upstream::plain(|_| ("200 OK", "text/plain", "metadata".into()));
        let port = upstream.address.port();
        let ran = rig.sh(&format!(
            "for host in host.docker.internal host.containers.internal 172.17.0.1 169.254.169.254 '[fd00:ec2::254]' 127.0.0.1 localhost; do \
             curl -sS -m 5 -o /dev/null -w '%{{http_code}} ' --noproxy '' http://$host:{port}/; done; \
             curl -sS -m 5 -o /dev/null -w '%{{http_code}}' --noproxy '*' http://169.254.169.254/"
        ));
        assert_eq!(ran.out, "403 403 403 403 403 403 403 000", "{}", ran.err);
        assert!(upstream.seen().is_empty());
    }

    a07_a_host_off_the_list_is_refused_by_name(rig) {
        let ran = rig.sh("curl -sS http://evil.test/");
        assert!(ran.out.contains("evil.test"), "{ran:?}");
        let subject = bot_bottle::engine::Subject { file: std::path::PathBuf::new(), name: "dev".to_owned() };
        let audit = std::fs::read_dir(rig.options.state.log_folder(&subject).expect("logs")).expect("logs");
        let lines: String = audit.flatten().filter(|e| e.path().to_string_lossy().ends_with("audit.jsonl"))
            .map(|e| std::fs::read_to_string(e.path()).expect("audit")).collect();
        assert!(lines.contains("\"denied\"") && lines.contains("evil.test"), "{lines}");
    }

    a36_the_relay_gives_nothing_but_the_proxy(rig) {
        let ran = rig.sh(&python(
            "import os\ns = socket.create_connection(('127.0.0.1', 47128))\ns.sendall(b'GET /etc/passwd HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')\n\
             print(s.recv(4096).split(b'\\r\\n')[0].decode())\n\
             tried('write', lambda: open('/run/bot-bottle/x', 'w'))\n\
             tried('replace', lambda: os.rename('/run/bot-bottle/net/egress.sock', '/run/bot-bottle/net/y'))\n\
             tried('remove', lambda: os.unlink('/run/bot-bottle/net/egress.sock'))\n\
             print(sorted(set(os.listdir('/run/bot-bottle')) - {'limits'}), os.listdir('/run/bot-bottle/net'))"
        ));
        let lines: Vec<_> = ran.out.lines().collect();
        assert!(lines[0].starts_with("HTTP/1.1 4"), "{ran:?}");
        assert_eq!(lines[1..], ["['env', 'filter', 'guest', 'mounts', 'net'] ['egress.sock']", "done"], "{}", ran.err);
    }

    a75_taking_the_proxy_variables_away_opens_nothing(rig) {
        let upstream = Upstream::plain(|_| ("200 OK", "text/plain", "hello".into()));
        let port = upstream.address.port();
        let ran = rig.sh(&format!(
            "NO_PROXY='*' no_proxy='*' curl -sS -m 5 -o /dev/null -w '%{{http_code}} ' http://127.0.0.1:{port}/; \
             env -i PATH=$PATH curl -sS -m 5 -o /dev/null -w '%{{http_code}}' http://127.0.0.1:{port}/"
        ));
        assert_eq!(ran.out, "000 000");
        assert!(upstream.seen().is_empty());
    }
}
