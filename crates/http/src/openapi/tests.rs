use std::collections::BTreeSet;

use super::*;

/// Tells how to renew the kept document, where it is not the one that is served.
#[test]
fn given_the_routes_when_described_then_the_kept_document_is_theirs() {
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../../spec/openapi.json");
    let document = serde_json::to_string_pretty(&document()).expect("it is JSON") + "\n";
    if std::env::var_os("INNKEEPER_RENEW_OPENAPI").is_some() {
        std::fs::write(kept, &document).expect("spec/openapi.json can be written");
    }

    let there = std::fs::read_to_string(kept).unwrap_or_default();

    assert!(
        there == document,
        "spec/openapi.json is not what the routes say. Look at what changed for callers, then \
         renew it: cargo xtask openapi"
    );
}

#[test]
fn given_any_route_when_described_then_it_has_a_name_of_its_own_and_a_sentence() {
    let routes = rest::published();

    let ids: BTreeSet<_> = routes.iter().map(|route| route.id).collect();

    assert_eq!(ids.len(), routes.len(), "two routes have one id");
    for route in &routes {
        let sentence = route.summary;
        assert!(sentence.starts_with(char::is_uppercase), "{}", route.id);
        assert!(!sentence.ends_with('.'), "{}", route.id);
        for link in &route.links {
            assert!(ids.contains(link.operation), "{} leads nowhere", route.id);
        }
    }
}

/// Nothing that a caller sends is passed over: whoever takes no body cannot refuse one.
#[test]
fn given_a_route_that_changes_something_when_described_then_it_takes_a_body() {
    let document = document();
    for route in rest::published() {
        let method = route.method.as_str().to_ascii_lowercase();
        let operation = &document["paths"][route.path][&method];
        let takes_one = operation["requestBody"].is_object();
        assert!(method == "get" || takes_one, "{method} {}", route.path);
    }
}

/// Every reference in the document leads to something in it.
#[test]
fn given_the_document_when_its_references_are_followed_then_each_leads_somewhere() {
    fn walk(value: &Value, document: &Value, found: &mut usize) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    let pointer = reference.trim_start_matches('#');
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                    *found += 1;
                }
                members.values().for_each(|v| walk(v, document, found));
            }
            Value::Array(entries) => entries.iter().for_each(|v| walk(v, document, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = 0;

    walk(&document, &document, &mut found);

    assert!(found > 0);
}
