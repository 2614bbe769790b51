//! The passwords of the recipe's accounts, fetched from where the recipe says they are.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use zeroize::Zeroizing;

use crate::recipe::{Recipe, SecretAt, User};

/// A file of a password is not larger than this.
const SIZE_MAX: u64 = 4096;

/// All passwords of a run. They are not shown.
pub struct Secrets {
    passwords: BTreeMap<String, Zeroizing<String>>,
    new_password: Zeroizing<String>,
    is_new_one_given: bool,
}

/// A secret is not where the recipe says it is.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the password of users.{user} is not there: {why}")]
pub struct NoSecret {
    user: String,
    why: String,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(hidden)")
    }
}

impl Secrets {
    /// What is put at the end of a password to change it, where the recipe names no new one.
    pub(crate) const SUFFIX: &str = "-Probe1";

    /// Fetches them: variables by `env`, files relative to the folder of the recipe.
    pub fn fetch(
        recipe: &Recipe,
        folder: &Path,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, NoSecret> {
        let fetch = |user: &User, at: &SecretAt| {
            let failed = |why: String| NoSecret {
                user: user.key.clone(),
                why,
            };
            let text = match at {
                SecretAt::Env(name) => {
                    env(name).ok_or_else(|| failed(format!("the variable {name} is not set")))?
                }
                SecretAt::File(path) => {
                    let path = folder.join(path);
                    let told =
                        |error: std::io::Error| failed(format!("{}: {error}", path.display()));
                    if std::fs::metadata(&path).map_err(told)?.len() > SIZE_MAX {
                        return Err(failed(format!("{} is too large", path.display())));
                    }
                    std::fs::read_to_string(&path).map_err(told)?
                }
            };
            let text = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
            if text.chars().count() < 4 {
                return Err(failed(
                    "it has fewer than 4 characters, which cannot be kept out of a report".into(),
                ));
            }
            Ok(text)
        };
        let mut passwords = BTreeMap::new();
        for user in recipe.users() {
            passwords.insert(user.key.clone(), fetch(user, &user.password)?);
        }
        let own = &passwords[&recipe.user.key];
        let new_password = match &recipe.user.new_password {
            Some(at) => fetch(&recipe.user, at)?,
            None => Zeroizing::new(format!("{}{}", own.as_str(), Self::SUFFIX)),
        };
        Ok(Self {
            passwords,
            new_password,
            is_new_one_given: recipe.user.new_password.is_some(),
        })
    }

    pub(crate) fn password(&self, user: &User) -> &str {
        self.passwords
            .get(&user.key)
            .map_or("", |text| text.as_str())
    }

    pub(crate) fn new_password(&self) -> &str {
        &self.new_password
    }

    /// What the new password is, for somebody who knows the old one.
    pub(crate) const fn new_password_in_words(&self) -> &'static str {
        if self.is_new_one_given {
            "the one that users.….new_password names"
        } else {
            "the old one with `-Probe1` at its end"
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        self.passwords
            .values()
            .chain([&self.new_password])
            .map(|text| text.as_str())
    }
}
