//! The schemas of the document, each under its name.

use std::collections::BTreeSet;

use http::StatusCode;
use innkeeper_api::{
    InvalidFields, NULL_REFUSED, NoSession, Problem, ProblemCode, SessionLimit, StepUp,
};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::budget::BUDGET_FIELDS;

/// Gathers schemas while operations are described.
///
/// What is read and what is written differ: a member with a default may be left out of a request
/// and is always there in an answer. So there is a generator for each.
#[derive(Debug)]
pub(super) struct Schemas {
    requests: SchemaGenerator,
    answers: SchemaGenerator,
    problems: Map<String, Value>,
    refusals: Map<String, Value>,
}

/// Everything that was gathered, by name.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) schemas: Map<String, Value>,
    pub(super) responses: Map<String, Value>,
    /// The names under which two types of different shape met, one that is read and one that is
    /// written. There must be none.
    pub(super) torn: Vec<String>,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        Self {
            requests: settings.clone().for_deserialize().into_generator(),
            answers: settings.for_serialize().into_generator(),
            problems: Map::new(),
            refusals: Map::new(),
        }
    }

    /// The schema of a body that is read.
    pub(super) fn request<T: JsonSchema>(&mut self) -> Value {
        self.requests.subschema_for::<T>().into()
    }

    /// The schema of a body that is written.
    pub(super) fn answer<T: JsonSchema>(&mut self) -> Value {
        self.answers.subschema_for::<T>().into()
    }

    /// The members of `T` as parameters of a query.
    pub(super) fn query<T: JsonSchema>(&mut self) -> Vec<Value> {
        let object: Value = T::json_schema(&mut self.requests).into();
        let required = |name: &String| {
            let names = object["required"].as_array();
            names.is_some_and(|names| names.iter().any(|n| n == name))
        };
        let members = object["properties"].as_object();
        let parameters = members.into_iter().flatten().map(|(name, schema)| {
            let mut schema = schema.clone();
            let about = schema
                .as_object_mut()
                .and_then(|schema| schema.remove("description"));
            not_null(&mut schema);
            json!({
                "name": name, "in": "query", "required": required(name),
                "description": about.unwrap_or_default(), "schema": schema,
            })
        });
        parameters.collect()
    }

    /// The name of the schema of a problem: the document of RFC 9457 with this code, and with
    /// the members that the code adds.
    pub(super) fn problem(&mut self, code: ProblemCode) -> String {
        let name = format!("{}Problem", in_one_word(code.as_str()));
        if !self.problems.contains_key(&name) {
            let mut parts = vec![self.answer::<Problem>()];
            parts.extend(self.members_of(code));
            let schema = json!({
                "description": code.title(),
                "allOf": parts,
                "properties": {"code": {"const": code.as_str()}},
                "required": ["code"],
            });
            self.problems.insert(name.clone(), schema);
        }
        name
    }

    /// What a code adds to the document of its problem.
    fn members_of(&mut self, code: ProblemCode) -> Option<Value> {
        match code {
            ProblemCode::InvalidRequest => Some(self.answer::<InvalidFields>()),
            ProblemCode::NoSession => Some(self.answer::<NoSession>()),
            ProblemCode::StepUpRequired => Some(self.answer::<StepUp>()),
            ProblemCode::SessionLimit => Some(self.answer::<SessionLimit>()),
            ProblemCode::BadRequest
            | ProblemCode::AmbiguousCredentials
            | ProblemCode::Unauthenticated
            | ProblemCode::Forbidden
            | ProblemCode::SubjectDisabled
            | ProblemCode::DeviceNotTrusted
            | ProblemCode::WrongSubject
            | ProblemCode::DeviceMismatch
            | ProblemCode::NotFound
            | ProblemCode::MethodNotAllowed
            | ProblemCode::RequestTimeout
            | ProblemCode::AlreadyUsed
            | ProblemCode::StaleGeneration
            | ProblemCode::StalePolicy
            | ProblemCode::PayloadTooLarge
            | ProblemCode::UnsupportedMediaType
            | ProblemCode::TooManySignIns
            | ProblemCode::HeaderTooLarge
            | ProblemCode::Internal
            | ProblemCode::NameTaken
            | ProblemCode::CursorExpired
            | ProblemCode::TooManyStreams
            | ProblemCode::TooManyRevocations
            | ProblemCode::Unavailable => None,
        }
    }

    /// A reference to the refusal with one of these problems. Many routes refuse alike, so each
    /// way of refusing stands in the document once.
    pub(super) fn refusal(&mut self, status: u16, problems: &BTreeSet<String>) -> Value {
        let words = problems.iter().map(|name| name.trim_end_matches("Problem"));
        let name = format!("{status}.{}", words.collect::<Vec<_>>().join("Or"));
        let shown = refusal(status, problems);
        let reference = json!({"$ref": format!("#/components/responses/{name}")});
        self.refusals.entry(name).or_insert(shown);
        reference
    }

    /// All of it, by name.
    pub(super) fn finish(mut self) -> Gathered {
        let mut schemas = self.answers.take_definitions(true);
        let mut torn = Vec::new();
        for (name, schema) in self.requests.take_definitions(true) {
            if schemas.get(&name).is_some_and(|other| *other != schema) {
                torn.push(name.clone());
            }
            schemas.insert(name, schema);
        }
        schemas.values_mut().for_each(never_null);
        schemas.extend(self.problems);
        Gathered {
            schemas,
            responses: self.refusals,
            torn,
        }
    }
}

/// What each answer carries.
pub(super) fn common_headers() -> Value {
    json!({
        "X-Request-Id": {"$ref": "#/components/headers/RequestId"},
        "Cache-Control": {"$ref": "#/components/headers/CacheControl"},
    })
}

/// One of these problems.
pub(super) fn schema_of(names: &BTreeSet<String>) -> Value {
    let mut references: Vec<_> = names
        .iter()
        .map(|name| json!({"$ref": format!("#/components/schemas/{name}")}))
        .collect();
    if references.len() == 1 {
        references.remove(0)
    } else {
        json!({"oneOf": references})
    }
}

fn refusal(status: u16, names: &BTreeSet<String>) -> Value {
    let mut headers = common_headers();
    match status {
        401 => {
            headers["WWW-Authenticate"] = json!({"$ref": "#/components/headers/Challenge"});
        }
        429 | 503 => headers["Retry-After"] = json!({"$ref": "#/components/headers/RetryAfter"}),
        _ => {}
    }
    if names.contains("TooManySignInsProblem") {
        for (name, about) in BUDGET_FIELDS {
            headers[name] = json!({"description": about, "schema": {"type": "string"}});
        }
    }
    let reason = StatusCode::from_u16(status).ok();
    let reason = reason.and_then(|status| status.canonical_reason());
    json!({
        "description": reason.unwrap_or_default(),
        "headers": headers,
        "content": {"application/problem+json": {"schema": schema_of(names)}},
    })
}

/// Where `null` is refused, what may be left out is never `null` instead.
fn never_null(object: &mut Value) {
    if object.get(NULL_REFUSED).is_none() {
        return;
    }
    let required = object["required"].clone();
    let is_required = |name: &str| {
        let names = required.as_array();
        names.is_some_and(|names| names.iter().any(|n| n == name))
    };
    let members = object["properties"].as_object_mut();
    for (name, schema) in members.into_iter().flatten() {
        if !is_required(name) {
            not_null(schema);
        }
    }
}

/// Takes `null` out of what a schema allows.
fn not_null(schema: &mut Value) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|of| of != "null");
        if let [only] = types.as_slice() {
            schema["type"] = only.clone();
        }
    }
    if let Some(Value::Array(shapes)) = schema.get_mut("anyOf") {
        shapes.retain(|shape| shape["type"] != "null");
        if let [Value::Object(only)] = shapes.as_slice() {
            let only = only.clone();
            let schema = schema.as_object_mut().expect("it has a member");
            schema.remove("anyOf");
            schema.extend(only);
        }
    }
}

/// `no-session` as `NoSession`.
fn in_one_word(code: &str) -> String {
    code.split('-')
        .filter_map(|part| part.split_at_checked(1))
        .flat_map(|(first, rest)| [first.to_ascii_uppercase(), rest.to_owned()])
        .collect()
}
