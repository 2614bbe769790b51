//! One operation of the document, as it is being told about itself.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use innkeeper_api::ProblemCode;
use innkeeper_engine::keys::KeyScope;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::schemas::{Schemas, common_headers, schema_of};
use crate::route::{Link, Route};

/// Collects what the types of a handler say of it.
#[derive(Debug)]
pub struct Operation<'s> {
    schemas: &'s mut Schemas,
    parameters: Vec<Value>,
    body: Option<Body>,
    proofs: Vec<Proof>,
    answers: BTreeMap<u16, Value>,
    refusals: BTreeMap<u16, BTreeSet<String>>,
}

/// What a caller proves itself by.
#[derive(Clone, Copy, Debug)]
pub enum Proof {
    /// An API key with one of these scopes.
    ApiKey(&'static [KeyScope]),
    /// The same, as bearer or as basic password (RFC 6749, 2.3.1).
    OAuthClient(&'static [KeyScope]),
    /// A session token, in its cookie or as bearer.
    Session,
}

#[derive(Debug)]
struct Body {
    media_type: &'static str,
    schema: Value,
    required: bool,
    reads: fn(&Value) -> bool,
}

/// What any route may answer, whatever it does. Most of it is said before a route is reached.
const COMMON: [ProblemCode; 6] = [
    ProblemCode::BadRequest,
    ProblemCode::RequestTimeout,
    ProblemCode::PayloadTooLarge,
    ProblemCode::HeaderTooLarge,
    ProblemCode::Internal,
    ProblemCode::Unavailable,
];

impl<'s> Operation<'s> {
    pub(super) fn new(schemas: &'s mut Schemas) -> Self {
        let mut operation = Self {
            schemas,
            parameters: Vec::new(),
            body: None,
            proofs: Vec::new(),
            answers: BTreeMap::new(),
            refusals: BTreeMap::new(),
        };
        for code in COMMON {
            operation.refuses(code);
        }
        operation
    }

    /// The caller proves itself by this, or by another that was named.
    pub fn proof(&mut self, proof: Proof) {
        self.proofs.push(proof);
    }

    /// The parameters of the query are the members of `T`.
    pub fn query<T: JsonSchema>(&mut self) {
        let parameters = self.schemas.query::<T>();
        self.parameters.extend(parameters);
    }

    /// The body is a JSON object, read as [`Json`](crate::json::Json) does.
    pub fn json_body<T: DeserializeOwned + JsonSchema>(&mut self, required: bool) {
        self.body::<T>("application/json", required);
        self.refuses(ProblemCode::UnsupportedMediaType);
        self.refuses(ProblemCode::InvalidRequest);
    }

    /// The body is of this type.
    pub fn body<T: DeserializeOwned + JsonSchema>(
        &mut self,
        media_type: &'static str,
        required: bool,
    ) {
        self.body = Some(Body {
            media_type,
            schema: self.schemas.request::<T>(),
            required,
            reads: |example| T::deserialize(example).is_ok(),
        });
    }

    /// May refuse with this problem, with the status that it usually has.
    pub fn refuses(&mut self, code: ProblemCode) {
        self.refuses_with(code.status(), code);
    }

    pub(super) fn refuses_with(&mut self, status: u16, code: ProblemCode) {
        let name = self.schemas.problem(code);
        self.refusals.entry(status).or_default().insert(name);
    }

    /// Answers with this status, and nothing in the body.
    pub fn answers(&mut self, status: StatusCode) {
        let description = status.canonical_reason().unwrap_or_default();
        self.answers.insert(
            status.as_u16(),
            json!({"description": description, "headers": common_headers()}),
        );
    }

    /// Answers with this status and JSON.
    pub fn answers_json<T: JsonSchema>(&mut self, status: StatusCode) {
        let schema = self.schemas.answer::<T>();
        self.answers_as(status, "application/json", &schema);
    }

    /// Answers with this status and a body of this media type and schema.
    pub fn answers_as(&mut self, status: StatusCode, media_type: &str, schema: &Value) {
        self.answers(status);
        if let Some(answer) = self.answers.get_mut(&status.as_u16()) {
            answer["content"] = json!({media_type: {"schema": schema}});
        }
    }

    /// Answers so as well with that status, if the caller accepts it.
    pub fn also_answers_as(&mut self, status: StatusCode, media_type: &str, schema: &Value) {
        if let Some(answer) = self.answers.get_mut(&status.as_u16()) {
            answer["content"][media_type] = json!({"schema": schema});
        }
    }

    /// Adds a header to an answer that was named before.
    pub fn answer_header(&mut self, status: StatusCode, name: &str, about: &str) {
        if let Some(answer) = self.answers.get_mut(&status.as_u16()) {
            answer["headers"][name] = json!({"description": about, "schema": {"type": "string"}});
        }
    }

    /// Adds a header to all answers that were named before.
    pub fn every_answer_header(&mut self, name: &str, about: &str) {
        for answer in self.answers.values_mut() {
            answer["headers"][name] = json!({"description": about, "schema": {"type": "string"}});
        }
    }

    /// The operation as the document shows it.
    pub(super) fn finish(mut self, route: &Route) -> Value {
        debug_assert!(self.takes_its_example(route), "{}", route.id);
        for (status, code) in &route.refusals {
            self.refuses_with(*status, *code);
        }
        if route.takes_no_body() {
            // With a body, which none of them takes.
            self.refuses(ProblemCode::InvalidRequest);
        }
        let mut parameters: Vec<_> = path_parameters(route.path).collect();
        parameters.append(&mut self.parameters);
        parameters.extend(route.headers.iter().cloned());

        let mut told = Map::new();
        told.insert("operationId".into(), route.id.into());
        told.insert("summary".into(), route.summary.into());
        told.insert("tags".into(), json!([tag(route.path)]));
        told.insert("security".into(), security(&self.proofs));
        if let Some(detail) = route.detail {
            told.insert("description".into(), detail.into());
        }
        if !parameters.is_empty() {
            told.insert("parameters".into(), parameters.into());
        }
        if let Some(body) = &self.body {
            told.insert("requestBody".into(), body.shown(route.example.as_ref()));
        }
        told.insert("responses".into(), self.responses(route));
        told.into()
    }

    /// Whether the example, if there is one, is what the handler reads.
    fn takes_its_example(&self, route: &Route) -> bool {
        match (&route.example, &self.body) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(example), Some(body)) => (body.reads)(example),
        }
    }

    fn responses(self, route: &Route) -> Value {
        let mut responses = Map::new();
        for (status, mut answer) in self.answers {
            let links = links(route, status);
            if !links.is_empty() {
                answer["links"] = links.into();
            }
            responses.insert(status.to_string(), answer);
        }
        for (status, names) in self.refusals {
            let shared = self.schemas.refusal(status, &names);
            let own = responses.entry(status.to_string());
            own.and_modify(|own| join(own, &names)).or_insert(shared);
        }
        responses.into()
    }
}

impl Body {
    fn shown(&self, example: Option<&Value>) -> Value {
        let mut content = json!({"schema": self.schema});
        if let Some(example) = example {
            content["example"] = example.clone();
        }
        json!({"required": self.required, "content": {self.media_type: content}})
    }
}

/// Adds problems to an answer with the same status and another body.
fn join(own: &mut Value, problems: &BTreeSet<String>) {
    own["content"]["application/problem+json"] = json!({"schema": schema_of(problems)});
}

/// What an answer of this status leads to.
fn links(route: &Route, status: u16) -> Map<String, Value> {
    let there = |link: &&Link| link.only_at.is_none_or(|only| only == status);
    let links = route.links.iter().filter(there).map(|link| {
        let parameters: Map<_, _> = link
            .parameters
            .iter()
            .map(|(name, expression)| ((*name).to_owned(), (*expression).into()))
            .collect();
        let mut shown = json!({"operationId": link.operation});
        if !parameters.is_empty() {
            shown["parameters"] = parameters.into();
        }
        if let Some(body) = &link.body {
            shown["requestBody"] = body.clone();
        }
        (link.name.to_owned(), shown)
    });
    links.collect()
}

/// The names in braces.
fn path_parameters(path: &'static str) -> impl Iterator<Item = Value> {
    path.split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            json!({
                "name": name, "in": "path", "required": true,
                "schema": {"type": "string", "minLength": 1, "maxLength": 256},
            })
        })
}

/// The first word of the path that says something: `sessions` of `/v1/sessions/{id}`.
fn tag(path: &str) -> &str {
    let path = path.strip_prefix("/v1").unwrap_or(path);
    path.split('/')
        .find(|segment| !segment.is_empty())
        .unwrap_or("root")
}

fn security(proofs: &[Proof]) -> Value {
    let ways = proofs.iter().flat_map(|proof| match proof {
        Proof::ApiKey(scopes) => each(&["apiKey"], scopes),
        Proof::OAuthClient(scopes) => each(&["apiKey", "apiKeyAsPassword"], scopes),
        Proof::Session => vec![json!({"sessionToken": []}), json!({"sessionCookie": []})],
    });
    ways.collect()
}

/// One way in for each scheme and each scope, since any of the scopes will do.
fn each(schemes: &[&str], scopes: &[KeyScope]) -> Vec<Value> {
    let ways = schemes.iter().flat_map(|scheme| {
        let with = move |scope: &KeyScope| json!({*scheme: [scope]});
        scopes.iter().map(with)
    });
    ways.collect()
}
