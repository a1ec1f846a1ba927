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
