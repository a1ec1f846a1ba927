//! What is refused is refused in the editor too, in each way of `cases`.

use crate::cases::cases;
use crate::client::{Client, World, able};
use serde_json::{Value, json};

const DOORS: [&str; 3] = ["bot-bottle.plan", "bot-bottle.dryRun", "bot-bottle.launch"];

#[test]
#[allow(clippy::print_stdout)]
fn every_rule_of_level_error_refuses_in_the_editor() {
    let mut tried = 0;
    for case in cases() {
        let all: Vec<_> = case.files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
        let world = World::new(&all);
        let mut abilities = able(false);
        abilities["experimental"]["botBottle"]["terminal"] = json!(true);
        let mut client = Client::with(&world, abilities, Value::Null);
        for door in DOORS {
            let params = json!({ "command": door, "arguments": [world.uri(&case.file), case.name] });
            let error = client.refused("workspace/executeCommand", params);
            let why = error["message"].as_str().expect("a message");
            assert!(why.contains("no plan"), "{} at {door}: {why}", case.what);
            tried += 1;
        }
    }
    println!("{tried} doors tried");
    assert!(tried > 250, "{tried}");
}
