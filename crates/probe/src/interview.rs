//! A recipe from answers: for an application that signs in with a form and keeps sessions in a
//! cookie, which most do.

use crate::origin::Origin;
use crate::recipe::Recipe;

/// One question: what is asked, and the likely answer.
struct Question {
    asks: &'static str,
    likely: &'static str,
    holds: fn(&str) -> Result<(), &'static str>,
}

const QUESTIONS: [Question; 10] = [
    Question {
        asks: "Where is the application?",
        likely: "http://localhost:3000",
        holds: origin,
    },
    Question {
        asks: "What does the test account sign in with?",
        likely: "alice@example.test",
        holds: plain,
    },
    Question {
        asks: "Which variable of the environment holds its password?",
        likely: "ALICE_PW",
        holds: word,
    },
    Question {
        asks: "Which path does the form of sign-in go to?",
        likely: "/login",
        holds: path,
    },
    Question {
        asks: "What is the field of the name called?",
        likely: "email",
        holds: word,
    },
    Question {
        asks: "What is the field of the password called?",
        likely: "password",
        holds: word,
    },
    Question {
        asks: "Which cookie carries the session?",
        likely: "sid",
        holds: word,
    },
    Question {
        asks: "Which path answers who is signed in?",
        likely: "/api/me",
        holds: path,
    },
    Question {
        asks: "Which text of that answer names the account?",
        likely: "alice@example.test",
        holds: plain,
    },
    Question {
        asks: "Which path signs out (by POST)?",
        likely: "/logout",
        holds: path,
    },
];

/// Questions, and what was answered.
#[derive(Debug, Default)]
pub struct Interview {
    answers: Vec<String>,
}

impl Interview {
    /// Begins.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            answers: Vec::new(),
        }
    }

    /// The next question with its likely answer; nothing when all are answered.
    #[must_use]
    pub fn question(&self) -> Option<String> {
        let question = QUESTIONS.get(self.answers.len())?;
        Some(format!("{} [{}]", question.asks, self.likely(question)))
    }

    fn likely(&self, question: &Question) -> String {
        match (self.answers.len(), self.answers.get(1)) {
            (8, Some(name)) => name.clone(),
            _ => question.likely.to_owned(),
        }
    }

    /// Answers it; an empty answer is the likely one. The error says what is accepted.
    pub fn answer(&mut self, text: &str) -> Result<(), String> {
        let Some(question) = QUESTIONS.get(self.answers.len()) else {
            return Err("all questions are answered".to_owned());
        };
        let text = match text {
            "" => self.likely(question),
            text => text.to_owned(),
        };
        (question.holds)(&text)?;
        self.answers.push(text);
        Ok(())
    }

    /// The recipe, once all is answered.
    ///
    /// # Panics
    ///
    /// When questions are left.
    #[must_use]
    pub fn recipe(&self) -> String {
        let [
            base,
            name,
            variable,
            login,
            name_field,
            password_field,
            cookie,
            whoami,
            identity,
            logout,
        ] = &self.answers[..]
        else {
            panic!("questions are left");
        };
        let identity = if identity == name {
            String::new()
        } else {
            format!(", identity: \"{identity}\"")
        };
        let recipe = format!(
            r#"version: 1
target: {{ base: "{base}", scope: ["{base}"] }}

# What the application is supposed to do; without it, checks only say what they saw.
# policy: {{ max_sessions: 3, on_exceed: evict-oldest, idle: 30m, absolute: 12h }}

users:
  alice: {{ name: "{name}"{identity}, password: {{ env: {variable} }} }}
  # Another account, for what one user must not see of another:
  # other: {{ name: bob@example.test, password: {{ env: BOB_PW }} }}

session: {{ carrier: cookie, name: {cookie} }}

steps:
  login:
    # If the form holds a token, take it from the page first, and add it to the form:
    # - |
    #   GET {login}
    #   [Captures]
    #   csrf: css "input[name=_csrf]" attr value
    - |
      POST {login}
      [Form]
      {name_field}: {{{{user.name}}}}
      {password_field}: {{{{user.password}}}}
  whoami:
    request: GET {whoami}
    logged_in: {{ body: "{{{{user.identity}}}}" }}
  logout: {{ request: POST {logout} }}
  # list:
  #   request: GET /api/sessions
  #   items: "$[*]"
  #   fields: {{ id: "$.id", current: "$.current", device: "$.device", ip: "$.ip", created: "$.created" }}
  # revoke: {{ request: "DELETE /api/sessions/{{{{item.id}}}}" }}
  # logout_all: {{ request: POST /api/sessions/revoke-others }}
"#
        );
        debug_assert!(Recipe::read(&recipe).is_ok(), "{:?}", Recipe::read(&recipe));
        recipe
    }
}

fn origin(text: &str) -> Result<(), &'static str> {
    Origin::read(text)
        .map(drop)
        .map_err(|_| "accepted is scheme, host and port, such as http://localhost:3000")
}

fn path(text: &str) -> Result<(), &'static str> {
    let fits = text.starts_with('/') && !text.starts_with("//");
    let fits = fits
        && text
            .chars()
            .all(|c| c.is_ascii_graphic() && !"\"{}'#\\".contains(c));
    fits.then_some(())
        .ok_or("accepted is a path, such as /login, without spaces")
}

fn word(text: &str) -> Result<(), &'static str> {
    let fits = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let fits = fits
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    fits.then_some(())
        .ok_or("accepted are letters, digits, _, - and ., a letter or _ first")
}

fn plain(text: &str) -> Result<(), &'static str> {
    let fits = !text.is_empty() && !text.chars().any(|c| c.is_control() || "\"\\{}".contains(c));
    fits.then_some(())
        .ok_or("accepted is a text without quotes, braces and backslashes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_the_likely_answers_when_written_then_the_recipe_has_no_mistake() {
        let mut interview = Interview::new();
        while interview.question().is_some() {
            interview.answer("").unwrap();
        }

        let recipe = Recipe::read(&interview.recipe()).unwrap();

        assert_eq!(recipe.user.name, "alice@example.test");
    }

    #[test]
    fn given_answers_that_would_break_the_recipe_when_given_then_each_is_refused() {
        let mut interview = Interview::new();
        assert!(interview.answer("localhost").is_err());
        interview.answer("http://localhost:3000").unwrap();
        for hostile in ["a\"b", "a\nb", "{{user.password}}", "\\"] {
            assert!(interview.answer(hostile).is_err(), "{hostile}");
        }
        assert!(interview.question().unwrap().contains("sign in with"));
    }
}
