//! Units: what is deployed as one thing.
//!
//! A manifest starts a unit. Units of one repository that name each other as dependencies are
//! deployed together, so they are judged together: a library's session table and the server that
//! serves it are one verdict.

use std::collections::{BTreeMap, BTreeSet};

use crate::manifest::Manifest;

/// A deployable: some folders, and what they depend on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unit {
    pub(crate) root: String,
    pub(crate) folders: BTreeSet<String>,
    pub(crate) packages: BTreeMap<String, String>,
    /// What its own packages are called.
    pub(crate) names: BTreeSet<String>,
    /// The manifest that starts it, to place what holds for the unit as a whole.
    pub(crate) manifest: String,
}

/// Joins manifests into units.
pub(crate) fn units(manifests: &[Manifest]) -> Vec<Unit> {
    let mut of_folder: BTreeMap<&str, Vec<&Manifest>> = BTreeMap::new();
    let mut of_name: BTreeMap<(&str, &str), Vec<&Manifest>> = BTreeMap::new();
    for manifest in manifests {
        of_folder
            .entry(&manifest.folder)
            .or_default()
            .push(manifest);
        if !manifest.name.is_empty() {
            of_name
                .entry((manifest.ecosystem, &manifest.name))
                .or_default()
                .push(manifest);
        }
    }
    let mut groups = Groups::of(of_folder.keys().copied());
    for manifest in manifests {
        for need in manifest.needs.keys() {
            let Some(named) = of_name.get_mut(&(manifest.ecosystem, need.as_str())) else {
                continue;
            };
            for other in named.iter() {
                groups.join(&manifest.folder, &other.folder);
            }
            // They are one group from here on, so who needs the name next joins any of them.
            named.truncate(1);
        }
        // Python packages below a project are parts of it, whatever files they carry.
        if manifest.ecosystem == "python" {
            for above in folders_above(&manifest.folder) {
                let is_python = |m: &&Manifest| m.ecosystem == "python";
                if of_folder
                    .get(above)
                    .is_some_and(|there| there.iter().any(is_python))
                {
                    groups.join(&manifest.folder, above);
                }
            }
        }
    }
    let mut out: BTreeMap<&str, Unit> = BTreeMap::new();
    for (folder, there) in &of_folder {
        let unit = out.entry(groups.first(folder)).or_default();
        unit.folders.insert((*folder).to_owned());
        for manifest in there {
            unit.packages.extend(manifest.needs.clone());
            if !manifest.name.is_empty() {
                unit.names.insert(manifest.name.clone());
            }
            if unit.manifest.is_empty() {
                unit.manifest.clone_from(&manifest.file);
            }
        }
    }
    let mut units: Vec<Unit> = out.into_values().collect();
    for unit in &mut units {
        unit.root = common(&unit.folders);
    }
    if !of_folder.contains_key(".") {
        units.push(Unit {
            root: ".".into(),
            folders: BTreeSet::from([".".to_owned()]),
            packages: BTreeMap::new(),
            names: BTreeSet::new(),
            manifest: String::new(),
        });
    }
    // Versions and shared needs are often stated once, at the top.
    let gathered: BTreeMap<String, String> = manifests
        .iter()
        .filter(|m| m.gathers)
        .flat_map(|m| m.needs.clone())
        .collect();
    for unit in &mut units {
        for (need, version) in &gathered {
            if unit.packages.get(need).is_some_and(String::is_empty) {
                unit.packages.insert(need.clone(), version.clone());
            }
        }
    }
    units
}

/// Folders that are judged together. The first of a group in the order of names stands for it.
struct Groups<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Groups<'a> {
    fn of(folders: impl Iterator<Item = &'a str>) -> Self {
        Self(folders.map(|folder| (folder, folder)).collect())
    }

    /// The folder that stands for the group of this one. What was passed on the way points further
    /// up afterwards, so that long chains are walked once.
    fn first(&mut self, folder: &str) -> &'a str {
        let next = |groups: &Self, at: &str| *groups.0.get(at).expect("every folder is in a group");
        let mut at = next(self, folder);
        loop {
            let above = next(self, at);
            if above == at {
                return at;
            }
            let further = next(self, above);
            self.0.insert(at, further);
            at = further;
        }
    }

    fn join(&mut self, one: &str, other: &str) {
        let (one, other) = (self.first(one), self.first(other));
        self.0.insert(one.max(other), one.min(other));
    }
}

/// The folders that a folder lies in, nearest first, `.` last.
fn folders_above(folder: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder), |at| match at.rsplit_once('/') {
        Some((above, _)) => Some(above),
        None => (*at != ".").then_some("."),
    })
    .skip(1)
}

fn common(folders: &BTreeSet<String>) -> String {
    let mut parts: Option<Vec<&str>> = None;
    for folder in folders {
        let own: Vec<&str> = folder.split('/').filter(|part| *part != ".").collect();
        parts = Some(match parts {
            None => own,
            Some(parts) => parts
                .iter()
                .zip(&own)
                .take_while(|(a, b)| a == b)
                .map(|(a, _)| *a)
                .collect(),
        });
    }
    let joined = parts.unwrap_or_default().join("/");
    if joined.is_empty() {
        ".".to_owned()
    } else {
        joined
    }
}

/// Which unit each file belongs to: the one with the longest folder above it.
pub(crate) struct Owners<'a>(BTreeMap<&'a str, usize>);

impl<'a> Owners<'a> {
    pub(crate) fn new(units: &'a [Unit]) -> Self {
        let folders = units.iter().enumerate();
        Self(
            folders
                .flat_map(|(index, unit)| unit.folders.iter().map(move |f| (f.as_str(), index)))
                .collect(),
        )
    }

    pub(crate) fn of(&self, file: &str) -> Option<usize> {
        let mut at = file;
        while let Some((folder, _)) = at.rsplit_once('/') {
            if let Some(index) = self.0.get(folder) {
                return Some(*index);
            }
            at = folder;
        }
        self.0.get(".").copied()
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::manifest;

    use super::*;

    fn npm(folder: &str, name: &str, needs: &[&str]) -> Manifest {
        let needs: Vec<String> = needs.iter().map(|n| format!("\"{n}\": \"1\"")).collect();
        let text = format!(
            "{{\"name\": \"{name}\", \"dependencies\": {{{}}}}}",
            needs.join(",")
        );
        manifest(&format!("{folder}/package.json"), &text).expect("it is a manifest")
    }

    #[test]
    fn given_packages_that_need_each_other_when_joined_then_they_are_one_unit() {
        let units = units(&[
            npm("apps/web", "web", &["core"]),
            npm("packages/core", "core", &[]),
            npm("apps/other", "other", &[]),
        ]);

        let roots: Vec<&str> = units.iter().map(|u| u.root.as_str()).collect();
        assert_eq!(roots, ["apps/other", ".", "."]);
        let owners = Owners::new(&units);
        assert_eq!(owners.of("packages/core/a.ts"), owners.of("apps/web/b.ts"));
        assert_ne!(owners.of("apps/other/a.ts"), owners.of("apps/web/b.ts"));
    }

    #[test]
    fn given_a_chain_and_a_name_that_many_have_when_joined_then_all_that_need_each_other_are_one() {
        let units = units(&[
            npm("d", "d", &["c"]),
            npm("b", "b", &["a"]),
            npm("c", "c", &["b"]),
            npm("a", "a", &[]),
            npm("x/1", "same", &[]),
            npm("x/2", "same", &[]),
            npm("y", "y", &["same"]),
            npm("z", "z", &["same"]),
        ]);

        let owners = Owners::new(&units);
        let of = |folder: &str| owners.of(&format!("{folder}/a.ts"));
        assert!(["b", "c", "d"].iter().all(|f| of(f) == of("a")));
        assert!(["x/2", "y", "z"].iter().all(|f| of(f) == of("x/1")));
        assert_ne!(of("a"), of("y"));
    }

    #[test]
    fn given_python_packages_below_a_project_when_joined_then_they_are_parts_of_it() {
        let python = |file: &str| manifest(file, "flask").expect("it is a manifest");
        let units = units(&[
            python("shop/requirements.txt"),
            python("shop/src/plugins/requirements.txt"),
            python("other/requirements.txt"),
        ]);

        let roots: Vec<&str> = units.iter().map(|u| u.root.as_str()).collect();
        assert_eq!(roots, ["other", "shop", "."]);
    }
}
