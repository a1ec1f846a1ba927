//! `can` and bottles in layers.

use crate::rig::Project;

const BASE: &str = "egress:\n  routes:\n    - host: api.github.com\n    - host: api.example.com\n";

#[test]
fn the_answer_names_the_bottle_that_decides() {
    let project = Project::new(&[
        ("base.bottle.yaml", BASE),
        (
            "dev.bottle.yaml",
            "extends: base\negress: {routes: [{host: api.example.com, path_allowlist: [/v1/]}]}\n",
        ),
    ]);
    let ran = project.run(&["can", "dev.bottle.yaml", "GET", "https://api.github.com/x"]);
    assert!(ran.out.contains("route api.github.com, base.bottle.yaml:3, without"), "{}", ran.out);
    let ran =
        project.run(&["can", "dev.bottle.yaml", "GET", "https://api.example.com/v1/x", "--format", "json"]);
    assert_eq!(ran.json()["from"], "dev.bottle.yaml:2");
    // A child narrows its parent: the nearer layer decides alone.
    let ran = project.run(&["can", "dev.bottle.yaml", "GET", "https://api.example.com/v2/x"]);
    assert!(ran.code == 1 && ran.out.starts_with("denied: "), "{}", ran.out);
}

#[test]
fn ports_headers_and_bytes_are_asked_for() {
    let routes = [
        "{host: db.example.com, ports: [5432], protocol: tcp}",
        "{host: api.example.com, ports: [8443], matches: [{headers: [{name: X-Team, value: core}]}]}",
        "{host: api.example.com, matches: [{paths: [{type: regex, value: '/v[0-9]+/x'}]}]}",
    ];
    let text = format!("egress: {{routes: [{}]}}\n", routes.join(", "));
    let project = Project::new(&[("dev.bottle.yaml", &text)]);
    let can = |asked: &[&str]| project.run(&[&["can", "dev.bottle.yaml"], asked].concat());
    assert_eq!(can(&["tcp://db.example.com:5432"]).code, 0);
    for (address, told) in [
        ("tcp://db.example.com:22", "protocol: tcp"),
        ("tcp://api.example.com:8443", "for HTTP and TLS alone"),
        ("tcp://other.example.com:22", "ports: [22]\n      protocol: tcp"),
    ] {
        let ran = can(&[address]);
        assert!(ran.code == 1 && ran.out.contains(told), "{address}: {}", ran.out);
    }
    assert_eq!(can(&["GET", "https://api.example.com/v12/x"]).code, 0);
    assert_eq!(can(&["GET", "https://api.example.com/v12/x/y"]).code, 1);
    let ported = "https://api.example.com:8443/";
    assert_eq!(can(&["GET", ported, "--header", "x-team: core"]).code, 0);
    let ran = can(&["GET", ported]);
    assert!(ran.code == 1 && ran.out.contains("only with the header `x-team: core`"), "{}", ran.out);
    for wrong in [
        &["GET"][..],
        &["tcp://db.example.com"],
        &["tcp://db.example.com:x"],
        &["GET", ported, "--header", "x"],
    ] {
        assert_eq!(can(wrong).code, 2, "{wrong:?}");
    }
}

/// Advice is taken to the letter: what it adds must allow the request and nothing that was refused before.
#[test]
fn advice_for_a_bottle_that_takes_nothing_of_its_parents_keeps_them_out() {
    for own in ["{routes: []}", "{inherit: false}"] {
        let project = Project::new(&[
            ("base.bottle.yaml", BASE),
            ("dev.bottle.yaml", &format!("extends: base\negress: {own}\n")),
        ]);
        let asked = ["can", "dev.bottle.yaml", "GET", "https://git.example.com/x"];
        let advice = project.run(&asked).out;
        let lines = advice.split_once("egress:\n").expect("advice").1;
        assert!(lines.starts_with("  inherit: false\n"), "{advice}");
        project.write("dev.bottle.yaml", format!("extends: base\negress:\n{lines}").as_str());
        assert_eq!(project.run(&asked).code, 0);
        for host in ["api.github.com", "api.example.com"] {
            let ran = project.run(&["can", "dev.bottle.yaml", "GET", &format!("https://{host}/x")]);
            assert_eq!(ran.code, 1, "{}", ran.out);
        }
    }
}
