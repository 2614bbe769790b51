//! Manifests: what a package is called and what it depends on.

use std::collections::BTreeMap;

use serde_json::Value;

/// A package as its manifest describes it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manifest {
    /// Folder, `.` for the root.
    pub(crate) folder: String,
    pub(crate) file: String,
    pub(crate) ecosystem: &'static str,
    pub(crate) name: String,
    /// Dependencies and the versions asked for.
    pub(crate) needs: BTreeMap<String, String>,
    /// A manifest that only gathers others, such as a workspace root.
    pub(crate) gathers: bool,
}

/// Reads a manifest, if this file is one.
#[expect(clippy::too_many_lines, reason = "one arm for each kind of manifest")]
pub(crate) fn manifest(file: &str, text: &str) -> Option<Manifest> {
    let (folder, name) = file.rsplit_once('/').unwrap_or((".", file));
    let mut out = Manifest {
        folder: folder.to_owned(),
        file: file.to_owned(),
        ..Manifest::default()
    };
    match name {
        "package.json" | "composer.json" => {
            out.ecosystem = if name == "package.json" {
                "npm"
            } else {
                "composer"
            };
            let value: Value = serde_json::from_str(text).ok()?;
            value["name"]
                .as_str()
                .unwrap_or("")
                .clone_into(&mut out.name);
            out.gathers = !value["workspaces"].is_null();
            for key in [
                "dependencies",
                "require",
                "peerDependencies",
                "optionalDependencies",
            ] {
                for (need, version) in value[key].as_object().into_iter().flatten() {
                    out.needs
                        .insert(need.clone(), version.as_str().unwrap_or("").to_owned());
                }
            }
        }
        "Cargo.toml" => {
            out.ecosystem = "cargo";
            let value: toml::Table = text.parse().ok()?;
            value
                .get("package")?
                .get("name")?
                .as_str()?
                .clone_into(&mut out.name);
            let needs = value.get("dependencies").and_then(toml::Value::as_table);
            for (need, version) in needs.into_iter().flatten() {
                let version = version
                    .as_str()
                    .or_else(|| version.get("version")?.as_str());
                out.needs
                    .insert(need.clone(), version.unwrap_or("").to_owned());
            }
        }
        "go.mod" => {
            out.ecosystem = "go";
            for line in text.lines() {
                let mut words = line
                    .trim()
                    .trim_start_matches("require ")
                    .split_whitespace();
                match (words.next(), words.next()) {
                    (Some("module"), Some(module)) => module.clone_into(&mut out.name),
                    (Some(need), Some(version))
                        if need.contains('.') && version.starts_with('v') =>
                    {
                        out.needs
                            .insert(need.to_owned(), version.trim_start_matches('v').to_owned());
                    }
                    _ => {}
                }
            }
        }
        "pom.xml" => {
            out.ecosystem = "jvm";
            out.gathers = text.contains("<modules>");
            let own = text.split("<dependencies>").next().unwrap_or("");
            let own = own.rsplit("</parent>").next().unwrap_or("");
            tag(own, "artifactId")
                .unwrap_or("")
                .clone_into(&mut out.name);
            for block in text.split("<dependency>").skip(1) {
                let block = block.split("</dependency>").next().unwrap_or("");
                if let Some(need) = tag(block, "artifactId") {
                    out.needs.insert(
                        need.to_owned(),
                        tag(block, "version").unwrap_or("").to_owned(),
                    );
                }
            }
        }
        "build.gradle" | "build.gradle.kts" => {
            out.ecosystem = "jvm";
            folder
                .rsplit('/')
                .next()
                .unwrap_or("")
                .clone_into(&mut out.name);
            for line in text.lines() {
                for quoted in line.split(['"', '\'']).skip(1).step_by(2) {
                    let mut parts = quoted.split(':').filter(|part| !part.is_empty());
                    match (parts.next(), parts.next(), parts.next()) {
                        (Some(_), Some(need), version) if quoted.contains(':') => {
                            out.needs
                                .insert(need.to_owned(), version.unwrap_or("").to_owned());
                        }
                        (Some(project), None, _) if line.contains("project(") => {
                            out.needs.insert(project.to_owned(), String::new());
                        }
                        _ => {}
                    }
                }
            }
        }
        "Gemfile" => {
            out.ecosystem = "gem";
            for line in text
                .lines()
                .filter_map(|line| line.trim().strip_prefix("gem "))
            {
                let mut quoted = line.split(['"', '\'']).skip(1).step_by(2);
                if let Some(need) = quoted.next() {
                    out.needs
                        .insert(need.to_owned(), quoted.next().unwrap_or("").to_owned());
                }
            }
        }
        "pyproject.toml" | "Pipfile" | "setup.py" | "setup.cfg" => {
            out.ecosystem = "python";
            python_needs(text, &mut out.needs);
        }
        "manage.py" => out.ecosystem = "python",
        _ if name.starts_with("requirements") && folder_free_extension(name) == "txt" => {
            out.ecosystem = "python";
            for line in text.lines() {
                python_need(line, &mut out.needs);
            }
        }
        _ if name.ends_with(".csproj") => {
            out.ecosystem = "dotnet";
            name.trim_end_matches(".csproj").clone_into(&mut out.name);
            for block in text.split('<').filter(|b| b.contains("Reference ")) {
                if let Some(need) = attribute(block, "Include") {
                    let need = need
                        .rsplit(['/', '\\'])
                        .next()
                        .unwrap_or("")
                        .trim_end_matches(".csproj");
                    out.needs.insert(
                        need.to_owned(),
                        attribute(block, "Version").unwrap_or("").to_owned(),
                    );
                }
            }
        }
        _ => return None,
    }
    Some(out)
}

fn folder_free_extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

fn python_needs(text: &str, needs: &mut BTreeMap<String, String>) {
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with(['"', '\'']) {
            python_need(line.trim_matches(['"', '\'', ',']), needs);
        } else if let Some((name, version)) = line.split_once('=')
            && !name.contains(['[', '(', ' ', '.'].as_ref())
                | name
                    .trim()
                    .chars()
                    .all(|c| c.is_alphanumeric() || "-_ ".contains(c))
        {
            needs.insert(
                name.trim().to_ascii_lowercase(),
                version
                    .trim_matches([' ', '"', '\'', '^', '~', '='])
                    .to_owned(),
            );
        }
        for quoted in line.split(['"', '\'']).skip(1).step_by(2) {
            python_need(quoted, needs);
        }
    }
}

fn python_need(line: &str, needs: &mut BTreeMap<String, String>) {
    let line = line.split(['#', ';']).next().unwrap_or("").trim();
    let name: String = line
        .chars()
        .take_while(|c| c.is_alphanumeric() || "-_.".contains(*c))
        .collect();
    if name.is_empty() || line.starts_with('-') {
        return;
    }
    let version: String = line[name.len()..]
        .chars()
        .skip_while(|c| !c.is_ascii_digit())
        .take_while(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    needs.insert(name.to_ascii_lowercase(), version);
}

fn tag<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    Some(rest.split_once('<')?.0.trim())
}

fn attribute<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("{name}=\""))?;
    Some(rest.split_once('"')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_manifests_of_each_kind_when_read_then_needs_and_versions_are_known() {
        let pom = "<project><artifactId>a</artifactId><dependencies><dependency><artifactId>shiro-core</artifactId><version>2.1.0</version></dependency></dependencies></project>";
        assert_eq!(
            manifest("pom.xml", pom).expect("a manifest").needs["shiro-core"],
            "2.1.0"
        );
        let gradle = "dependencies {\n implementation 'org.springframework.boot:spring-boot-starter-security'\n}";
        assert!(
            manifest("build.gradle", gradle)
                .expect("a manifest")
                .needs
                .contains_key("spring-boot-starter-security")
        );
        assert_eq!(
            manifest("requirements.txt", "Flask==2.3.1 # web")
                .expect("a manifest")
                .needs["flask"],
            "2.3.1"
        );
        let go = "module example.com/x\nrequire github.com/alexedwards/scs/v2 v2.5.0\n";
        assert_eq!(
            manifest("go.mod", go).expect("a manifest").needs["github.com/alexedwards/scs/v2"],
            "2.5.0"
        );
        assert_eq!(
            manifest("Gemfile", "gem 'devise', '~> 4.9'")
                .expect("a manifest")
                .needs["devise"],
            "~> 4.9"
        );
    }
}
