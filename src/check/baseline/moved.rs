//! Which file an entry of a baseline is now of, where its own is gone.
//!
//! An entry of a file that is gone holds for one other file at most, and that one has no entry of its own: a
//! baseline never accepts more than was written down. What would be a guess is none.

use super::{Baseline, BaselineCounts, OfFile, Stale, accepted, relative};
use crate::manifest::join;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

impl Baseline {
    /// The folder that its paths count from.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Every path that has an entry, absolute.
    pub fn paths(&self) -> impl Iterator<Item = PathBuf> {
        self.counts.keys().map(|path| join(&self.folder, path))
    }

    /// Finds out which files are gone, and which of the project's they have become: one of the same name that
    /// has no entry, where each is the other's nearest by the folders above it.
    ///
    /// `project` is every file that there is, whatever is checked: two checks of a part each must not give one
    /// entry to two files.
    pub fn follow(&mut self, project: &[PathBuf], exists: impl Fn(&Path) -> bool) {
        let gone: Vec<String> =
            self.counts.keys().filter(|path| !exists(&join(&self.folder, path))).cloned().collect();
        let new = self.without_entry(project);
        let (gone_by_name, new_by_name) = (by_name(&gone), by_name(&new));
        for path in &new {
            let Some(old) = nearest(path, &gone_by_name) else { continue };
            if nearest(old, &new_by_name) == Some(path) {
                self.moved.insert(path.clone(), old.to_owned());
            }
        }
        self.gone = gone;
        self.gone.retain(|path| !self.moved.values().any(|old| old == path));
    }

    /// Of the project's files those that may be one that is gone under a new name: without an entry, and in the
    /// same folder.
    pub fn perhaps_renamed(&self, project: &[PathBuf]) -> Vec<PathBuf> {
        let beside = |path: &String| {
            !self.moved.contains_key(path) && self.gone.iter().any(|gone| folder(gone) == folder(path))
        };
        let new = self.without_entry(project).into_iter().filter(beside);
        new.map(|path| join(&self.folder, &path)).collect()
    }

    /// Finds out which of these files one that is gone was renamed to: the only one of its folder with the very
    /// same counts, where no other that is gone has them.
    pub fn follow_renamed(&mut self, found: &BaselineCounts) {
        let new: Vec<(String, &OfFile)> =
            found.files.iter().map(|(path, counts)| (relative(&self.folder, path), counts)).collect();
        let is = |old: &String, path: &String, counts: &OfFile| {
            folder(old) == folder(path) && accepted(&self.counts[old]).eq(counts.iter())
        };
        let mut renamed = Vec::new();
        for (path, counts) in new.iter().filter(|(_, counts)| !counts.is_empty()) {
            let Some(old) = only(self.gone.iter().filter(|old| is(old, path, counts))) else { continue };
            if only(new.iter().filter(|(path, counts)| is(old, path, counts))).is_some() {
                renamed.push((path.clone(), old.clone()));
            }
        }
        self.gone.retain(|path| !renamed.iter().any(|(_, old)| old == path));
        self.moved.extend(renamed);
    }

    /// The files that took over an entry, each with the file that it was, in order.
    pub fn moved(&self) -> impl Iterator<Item = (PathBuf, PathBuf)> {
        self.moved.iter().map(|(new, old)| (join(&self.folder, old), join(&self.folder, new)))
    }

    /// The entries of files that are gone and have not become another, by their paths.
    pub fn gone(&self) -> impl Iterator<Item = (PathBuf, Stale)> {
        self.gone.iter().map(|path| {
            let allowed = self.counts.get(path).map_or(0, |counts| accepted(counts).map(|(_, n)| n).sum());
            (join(&self.folder, path), Stale::Gone { allowed })
        })
    }

    fn without_entry(&self, project: &[PathBuf]) -> Vec<String> {
        let all = project.iter().map(|path| relative(&self.folder, path));
        all.filter(|path| !self.counts.contains_key(path)).collect()
    }
}

fn by_name(paths: &[String]) -> HashMap<&str, Vec<&str>> {
    let mut all: HashMap<&str, Vec<&str>> = HashMap::new();
    paths.iter().for_each(|path| all.entry(name(path)).or_default().push(path));
    all
}

/// Of the paths that end in the same name, the one that shares the most folders above it; none where two do.
fn nearest<'a>(path: &str, others: &HashMap<&str, Vec<&'a str>>) -> Option<&'a str> {
    let others = others.get(name(path))?;
    let shared = |other: &str| path.rsplit('/').zip(other.rsplit('/')).take_while(|(a, b)| a == b).count();
    let best = others.iter().map(|other| shared(other)).max()?;
    only(others.iter().copied().filter(|other| shared(other) == best))
}

fn only<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
    all.next().filter(|_| all.next().is_none())
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::baseline::tests::findings;

    #[test]
    fn what_is_moved_keeps_its_counts_and_nothing_gets_more() {
        let text = |paths: &[&str]| {
            let mut counts = BaselineCounts::default();
            paths.iter().for_each(|p| counts.add(Path::new(p), &findings("private-host", 2)));
            counts.to_text(Path::new("/p"), None)
        };
        // What was recorded, what is there, and how many findings of each are accepted.
        for (was, is, accepted) in [
            (&["/p/old/dev.yaml"][..], &["/p/new/dev.yaml"][..], &[2][..]),
            (&["/p/old/dev.yaml"], &["/p/new/dev.yaml", "/p/old/dev.yaml"], &[0, 2]),
            (&["/p/old/dev.yaml"], &["/p/new/prod.yaml"], &[0]),
            // Each has become the other's nearest.
            (&["/p/o/a/x.yaml", "/p/o/b/x.yaml"], &["/p/n/a/x.yaml", "/p/n/b/x.yaml"], &[2, 2]),
            // Which of them it was is nobody's guess.
            (&["/p/o/x.yaml"], &["/p/m/x.yaml", "/p/n/x.yaml"], &[0, 0]),
            (&["/p/m/x.yaml", "/p/n/x.yaml"], &["/p/o/x.yaml"], &[0]),
        ] {
            let mut baseline = Baseline::parse(&text(was), Path::new("/p")).expect("a baseline");
            let there: Vec<_> = is.iter().map(PathBuf::from).collect();
            baseline.follow(&there, |path| there.iter().any(|is| is == path));
            let left = is.iter().map(|path| {
                let mut all = findings("private-host", 5);
                baseline.apply(Path::new(path), &mut all);
                5 - all.len()
            });
            assert_eq!(left.collect::<Vec<_>>(), accepted, "{was:?} → {is:?}");
            assert!(accepted.iter().sum::<usize>() <= 2 * was.len());
        }
    }

    #[test]
    fn a_renamed_file_keeps_its_counts_where_nothing_else_has_the_same() {
        let recorded = |files: &[(&str, usize)]| {
            let mut counts = BaselineCounts::default();
            files.iter().for_each(|(path, n)| counts.add(Path::new(path), &findings("private-host", *n)));
            counts
        };
        // What was recorded, what is there with how many findings, and how many of each are accepted.
        for (was, is, taken) in [
            (&[("/p/a.yaml", 2)][..], &[("/p/b.yaml", 2)][..], &[2][..]),
            (&[("/p/a.yaml", 2)], &[("/p/b.yaml", 3)], &[0]),
            (&[("/p/a.yaml", 2)], &[("/p/b.yaml", 1)], &[0]),
            (&[("/p/a.yaml", 2)], &[("/p/x/b.yaml", 2)], &[0]),
            (&[("/p/a.yaml", 2)], &[("/p/b.yaml", 2), ("/p/c.yaml", 2)], &[0, 0]),
            (&[("/p/a.yaml", 2), ("/p/b.yaml", 2)], &[("/p/c.yaml", 2)], &[0]),
            (&[("/p/a.yaml", 2), ("/p/b.yaml", 1)], &[("/p/c.yaml", 1), ("/p/d.yaml", 2)], &[1, 2]),
            // The name says more than the counts.
            (&[("/p/a.yaml", 2)], &[("/p/b.yaml", 2), ("/p/x/a.yaml", 2)], &[0, 2]),
        ] {
            let text = recorded(was).to_text(Path::new("/p"), None);
            let mut baseline = Baseline::parse(&text, Path::new("/p")).expect("a baseline");
            let there: Vec<_> = is.iter().map(|(path, _)| PathBuf::from(path)).collect();
            baseline.follow(&there, |path| there.iter().any(|is| is == path));
            let perhaps = baseline.perhaps_renamed(&there);
            let found: Vec<_> =
                is.iter().filter(|(path, _)| perhaps.contains(&path.into())).copied().collect();
            baseline.follow_renamed(&recorded(&found));
            let accepted = is.iter().map(|(path, n)| {
                let mut all = findings("private-host", *n);
                baseline.apply(Path::new(path), &mut all);
                n - all.len()
            });
            assert_eq!(accepted.collect::<Vec<_>>(), taken, "{was:?} → {is:?}");
        }
    }
}
