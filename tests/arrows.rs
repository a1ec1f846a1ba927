//! Which files name which: folders only those below them, and no files each other in a circle.
//!
//! A folder's `mod.rs` stands above its files where it calls them, and below them where it lends them words:
//! those two are one thing, so what a `mod.rs` names of its own folder is not an arrow. A re-export is none
//! either; who uses it names the file behind it. What stands between a macro's parentheses is not read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use syn::visit::{self, Visit};

/// A module's path below the crate, which is the empty one.
type Name = Vec<String>;
type Arrows = BTreeMap<Name, BTreeSet<Name>>;

/// What each folder may name; what a row lacks it must not.
const DOWN: [(&str, &[&str]); 13] = [
    ("syntax", &[]),
    ("shown", &[]),
    ("log", &["check", "shown"]),
    ("manifest", &["syntax"]),
    ("disk", &["manifest", "syntax"]),
    ("provider", &[]),
    ("egress", &["provider", "shown"]),
    ("plan", &["egress", "manifest", "provider", "shown"]),
    ("check", &["egress", "manifest", "plan", "provider", "shown", "syntax"]),
    ("ide", &["check", "egress", "manifest", "plan", "provider", "shown", "syntax"]),
    ("engine", &["check", "disk", "egress", "manifest", "plan", "provider", "shown"]),
    ("lsp", &["check", "disk", "engine", "ide", "log", "manifest", "plan", "provider", "shown", "syntax"]),
    (
        "cli",
        &[
            "check", "disk", "egress", "engine", "log", "lsp", "manifest", "plan", "provider", "shown",
            "syntax",
        ],
    ),
];

/// What the layers that only judge may name of the egress: what decides, and nothing that connects.
const JUDGES: [&str; 8] = ["address", "code", "hosts", "path", "pattern", "policy", "shape", "terms"];

#[test]
fn a_folder_names_only_what_lies_below_it() {
    let arrows = Crate::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))).arrows();
    let mut seen = BTreeSet::new();
    for (from, to) in arrows.iter().flat_map(|(from, all)| all.iter().map(move |to| (from, to))) {
        let (Some(above), Some(below)) = (from.first(), to.first()) else { continue };
        if above == below || above == "main" {
            continue;
        }
        seen.insert((above, below));
        let allowed = DOWN.iter().find(|(folder, _)| folder == above).map(|(_, allowed)| *allowed);
        let allowed = allowed.unwrap_or_else(|| panic!("src/{above} has no row in DOWN"));
        assert!(allowed.contains(&below.as_str()), "{} names {}", from.join("::"), to.join("::"));
        if ["plan", "check", "ide"].contains(&above.as_str()) && below == "egress" {
            assert!(JUDGES.contains(&to[1].as_str()), "{} names {}", from.join("::"), to.join("::"));
        }
    }
    // A row that allows more than there is would let an arrow come back unseen.
    for (above, allowed) in DOWN {
        for below in allowed {
            let used = seen.contains(&(&above.to_owned(), &(*below).to_owned()));
            assert!(used, "src/{above} names nothing of src/{below} any more: take it out of DOWN");
        }
    }
}

#[test]
fn no_files_name_each_other_in_a_circle() {
    let circles = circles(&Crate::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))).arrows());
    assert!(circles.is_empty(), "in a circle:\n{}", circles.join("\n"));
}

/// Each kind of name leads to the file that it means, or the two tests above could see nothing.
#[test]
fn each_way_to_name_a_file_is_seen() {
    let of = |files: &[(&str, &str)]| circles(&Crate::of(files).arrows());
    let a_uses_b = [("", "mod a; mod b; pub use b::Thing;"), ("b", "use crate::a::f; pub struct Thing;")];
    for a in [
        "use super::b::Thing;",
        "use crate::Thing;",
        "use super::{b, Thing as Other};",
        "use crate::b; fn f() { b::g(); }",
        "fn f(_: crate::b::Thing) {}",
        "fn f() { let _: Vec<super::b::Thing> = vec![]; }",
        "impl super::Thing { fn f() {} }",
    ] {
        let files: Vec<_> = a_uses_b.iter().copied().chain([("a", a)]).collect();
        assert_eq!(of(&files), ["a → b → a"], "{a}");
    }
    let harmless = "#[cfg(test)] mod tests { use super::super::b::Thing; }";
    assert!(of(&[a_uses_b[0], a_uses_b[1], ("a", harmless)]).is_empty());
    // A folder and its own files.
    let folder = [("", "mod a;"), ("a", "mod b; pub struct Thing; fn f() { b::g(); }")];
    assert!(of(&[folder[0], folder[1], ("a::b", "use super::Thing; pub fn g() {}")]).is_empty());
}

/// The files of a crate: of each, what it names and what it re-exports.
#[derive(Default)]
struct Crate {
    files: BTreeMap<Name, Named>,
}

#[derive(Default)]
struct Named {
    /// Paths as they are written, imports first.
    paths: Vec<Vec<String>>,
    /// The name here and the path behind it.
    imports: BTreeMap<String, Vec<String>>,
    exports: BTreeMap<String, Vec<String>>,
}

impl Crate {
    fn read(root: &Path) -> Self {
        let mut all = Self::default();
        all.folder(root, &mut Vec::new());
        assert!(all.files.len() > 200, "only {} files below {}", all.files.len(), root.display());
        all
    }

    fn folder(&mut self, folder: &Path, name: &mut Name) {
        for entry in std::fs::read_dir(folder).expect("the sources") {
            let path = entry.expect("an entry").path();
            let stem = path.file_stem().and_then(|s| s.to_str()).expect("a name").to_owned();
            if path.is_dir() {
                name.push(stem);
                self.folder(&path, name);
                name.pop();
            } else if path.extension().is_some_and(|e| e == "rs") {
                let own = (!["mod", "lib"].contains(&stem.as_str())).then_some(stem);
                let text = std::fs::read_to_string(&path).expect("a source");
                self.add(name.iter().cloned().chain(own).collect(), &text);
            }
        }
    }

    fn of(files: &[(&str, &str)]) -> Self {
        let mut all = Self::default();
        for (name, text) in files {
            all.add(name.split("::").filter(|s| !s.is_empty()).map(str::to_owned).collect(), text);
        }
        all
    }

    fn add(&mut self, name: Name, text: &str) {
        let file = syn::parse_file(text).unwrap_or_else(|e| panic!("{}: {e}", name.join("::")));
        let mut named = Named::default();
        named.visit_file(&file);
        self.files.insert(name, named);
    }

    fn arrows(&self) -> Arrows {
        let mut arrows = Arrows::new();
        for (from, named) in &self.files {
            for path in &named.paths {
                let to = self.absolute(from, path).and_then(|path| self.file_of(&path, 0));
                arrows.entry(from.clone()).or_default().extend(to.filter(|to| to != from));
            }
        }
        for (from, to) in &mut arrows {
            to.retain(|to| !to.starts_with(from));
        }
        arrows
    }

    /// A path from the crate's root; `None` for one into another crate or for a local name.
    fn absolute(&self, from: &Name, path: &[String]) -> Option<Name> {
        let (first, rest) = path.split_first()?;
        let base = match first.as_str() {
            "crate" => Vec::new(),
            "self" => from.clone(),
            "super" => {
                let up = path.iter().take_while(|s| *s == "super").count();
                let base = from[..from.len().checked_sub(up)?].to_vec();
                return Some([base, path[up..].to_vec()].concat());
            }
            name => {
                let child: Name = from.iter().cloned().chain([name.to_owned()]).collect();
                if self.files.contains_key(&child) {
                    return Some([child, rest.to_vec()].concat());
                }
                // A module that was imported: `b::g()` after `use crate::b`.
                let behind = self.files[from].imports.get(name).filter(|behind| behind[..] != *path)?;
                return Some([self.absolute(from, behind)?, rest.to_vec()].concat());
            }
        };
        Some([base, rest.to_vec()].concat())
    }

    /// The file that defines what an absolute path names, through re-exports.
    fn file_of(&self, path: &[String], depth: usize) -> Option<Name> {
        let file = (0..=path.len()).rev().map(|n| &path[..n]).find(|p| self.files.contains_key(*p))?;
        let behind = path.get(file.len()).and_then(|item| self.files[file].exports.get(item));
        match behind.and_then(|behind| self.absolute(&file.to_vec(), behind)) {
            Some(behind) if depth < 8 => {
                self.file_of(&[behind, path[file.len() + 1..].to_vec()].concat(), depth + 1)
            }
            _ => Some(file.to_vec()),
        }
    }
}

fn for_tests(attributes: &[syn::Attribute]) -> bool {
    let test = |a: &syn::Attribute| {
        a.path().is_ident("cfg") && a.parse_args::<syn::Ident>().is_ok_and(|what| what == "test")
    };
    attributes.iter().any(test)
}

impl Named {
    fn import(&mut self, tree: &syn::UseTree, path: &mut Vec<String>, public: bool) {
        match tree {
            syn::UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.import(&part.tree, path, public);
                path.pop();
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, path, public);
                }
            }
            syn::UseTree::Name(name) => self.imported(&name.ident.to_string(), None, path, public),
            syn::UseTree::Rename(name) => {
                self.imported(&name.ident.to_string(), Some(name.rename.to_string()), path, public);
            }
            syn::UseTree::Glob(_) => self.paths.push(path.clone()),
        }
    }

    fn imported(&mut self, name: &str, here: Option<String>, path: &[String], public: bool) {
        let mut whole = path.to_vec();
        if name != "self" {
            whole.push(name.to_owned());
        }
        let here = here.or_else(|| whole.last().cloned()).unwrap_or_default();
        self.imports.insert(here.clone(), whole.clone());
        if public {
            self.exports.insert(here, whole);
        } else {
            self.paths.push(whole);
        }
    }
}

impl<'ast> Visit<'ast> for Named {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !for_tests(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !for_tests(&item.attrs) {
            let public = !matches!(item.vis, syn::Visibility::Inherited);
            self.import(&item.tree, &mut Vec::new(), public);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.paths.push(path.segments.iter().map(|s| s.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }
}

/// Each circle once, as the names along a shortest way around it.
fn circles(arrows: &Arrows) -> Vec<String> {
    let mut found = Vec::new();
    let mut known = BTreeSet::new();
    for start in arrows.keys().filter(|start| !start.is_empty()) {
        let Some(way) = way_back(arrows, start) else { continue };
        if way.iter().all(|name| known.insert(name.clone())) {
            let names: Vec<_> = way.iter().chain([start]).map(|name| name.join("::")).collect();
            found.push(names.join(" → "));
        }
    }
    found
}

/// A shortest way from a file back to itself, without the end.
fn way_back(arrows: &Arrows, start: &Name) -> Option<Vec<Name>> {
    let mut from: BTreeMap<&Name, &Name> = BTreeMap::new();
    let mut next = vec![start];
    while !next.is_empty() {
        let mut further = Vec::new();
        for here in next {
            for there in arrows.get(here).into_iter().flatten() {
                if there == start {
                    let mut way = vec![here.clone()];
                    while way[0] != *start {
                        way.insert(0, from[&way[0]].clone());
                    }
                    return Some(way);
                }
                if !from.contains_key(there) {
                    from.insert(there, here);
                    further.push(there);
                }
            }
        }
        next = further;
    }
    None
}
