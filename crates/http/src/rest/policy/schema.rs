//! The schema of the policy, made from the same table as the policy itself.

use std::borrow::Cow;
use std::time::Duration;

use innkeeper_domain::budget::Budget;
use innkeeper_domain::name::Reason;
use innkeeper_domain::policy::{
    Bounds, Condition, Per, Policy, Seats, SessionLimit, Setting, VisitTerms, Word,
};
use innkeeper_domain::session::SessionClass;
use innkeeper_engine::policy::presets;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::PolicyDocument;

impl JsonSchema for PolicyDocument {
    fn schema_name() -> Cow<'static, str> {
        "PolicyDocument".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut terms = terms();
        terms.insert("reason".into(), reasons());
        let mode = json!({"type": "string", "enum": ["prefer"]});
        terms.insert("binding_mode".into(), mode);
        let mut rule = terms.clone();
        rule.insert("when".into(), condition());
        terms.insert("preset".into(), presets());
        json_schema!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "version": {"type": "integer", "minimum": 1},
                "policy": object(&Value::Object(terms), &[]),
                "rules": {
                    "type": "array",
                    "maxItems": Policy::ROWS_MAX,
                    "items": object(&Value::Object(rule), &["when"]),
                },
                "limits": {
                    "type": "array",
                    "maxItems": Policy::ROWS_MAX,
                    "items": object(&json!({
                        "per": one_of::<Per>(),
                        "when": condition(),
                        "max_sessions": sessions(),
                    }), &["per", "max_sessions"]),
                },
                "tenants": {
                    "type": "array",
                    "maxItems": Policy::ROWS_MAX,
                    "items": object(&json!({
                        "tenant": names(),
                        "seats": {"type": "integer", "minimum": 1, "maximum": Seats::MAX.get()},
                    }), &["seats"]),
                },
            },
        })
    }
}

fn object(properties: &Value, required: &[&str]) -> Value {
    let mut object = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

fn names() -> Value {
    one_or_more(&json!({"type": "string", "minLength": 1, "maxLength": 256}))
}

/// One word, or a list of them. What is shown is always a list.
fn one_or_more(word: &Value) -> Value {
    let list = json!({
        "type": "array",
        "minItems": 1,
        "maxItems": Condition::LISTED_MAX,
        "items": word,
    });
    json!({"anyOf": [word, list]})
}

fn condition() -> Value {
    let names = names();
    object(
        &json!({
            "group": names,
            "client": names,
            "class": one_or_more(&one_of::<SessionClass>()),
            "remember": {"type": "boolean"},
        }),
        &[],
    )
}

/// A sentence for each key that is laxer than the preset asks.
fn reasons() -> Value {
    let sentence = json!({"type": "string", "minLength": 1, "maxLength": Reason::LEN_MAX});
    let keys = Setting::KEYS.iter();
    let reasons: Map<_, _> = keys
        .map(|key| ((*key).to_owned(), sentence.clone()))
        .collect();
    object(&Value::Object(reasons), &[])
}

fn presets() -> Value {
    let words: Vec<_> = presets::all().iter().map(|p| p.word.as_str()).collect();
    json!({"type": "string", "enum": words})
}

fn terms() -> Map<String, Value> {
    let mut properties = Properties::default();
    Setting::default().visit(&mut properties);
    properties.0
}

#[derive(Default)]
struct Properties(Map<String, Value>);

impl VisitTerms for Properties {
    fn sessions(&mut self, key: &'static str, _: &mut Option<SessionLimit>) {
        self.0.insert(key.into(), sessions());
    }

    fn span(&mut self, key: &'static str, _: &mut Option<Duration>, bounds: Bounds) {
        let schema = json!({
            "type": "integer",
            "description": "seconds",
            "minimum": bounds.least.as_secs(),
            "maximum": bounds.most.as_secs(),
        });
        self.0.insert(key.into(), schema);
    }

    fn word<W: Word>(&mut self, key: &'static str, _: &mut Option<W>) {
        self.0.insert(key.into(), one_of::<W>());
    }

    fn sign_ins(&mut self, key: &'static str, _: &mut Option<Budget>) {
        let schema = json!({
            "type": "string",
            "description": Budget::FORM,
            "pattern": "^[1-9][0-9]{0,5}/[1-9][0-9]*[smhd]$",
        });
        self.0.insert(key.into(), schema);
    }
}

fn sessions() -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": SessionLimit::MAX.get()})
}

fn one_of<W: Word>() -> Value {
    let words: Vec<_> = W::WORDS.iter().map(|(word, _)| *word).collect();
    json!({"type": "string", "enum": words})
}
