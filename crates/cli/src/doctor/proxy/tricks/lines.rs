//! What a client may ask for: by which method, at which path, and where its request ends.

use super::{Aim, BOTH, FRAMING, INSIDE, METHODS, PATHS, STRANGER, Trick, with_headers};

/// Whatever is asked with.
pub(super) fn methods() -> Vec<Trick> {
    let mut tricks = Vec::new();
    for method in [
        "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "MALLORY", "get",
    ] {
        tricks.push(Trick {
            check: METHODS,
            name: format!("the method {method}"),
            senders: BOTH,
            aim: Aim::Application,
            template: format!(
                "{method} /innkeeper-doctor HTTP/1.1\r\n{{host}}{{who}}Connection: close\r\n\r\n"
            ),
        });
        let headers =
            format!("X-HTTP-Method-Override: {method}\r\nX-Method-Override: {method}\r\n");
        tricks.push(with_headers(
            METHODS,
            format!("{method} as an override"),
            &headers,
        ));
    }
    for (name, lines) in [
        (
            "an upgrade to a web socket",
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nConnection: upgrade\r\n",
        ),
        (
            "an upgrade to HTTP/2 in clear",
            "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\
             Connection: Upgrade, HTTP2-Settings\r\n",
        ),
        (
            "an upgrade to what nobody knows",
            "Upgrade: mallory\r\nConnection: upgrade\r\n",
        ),
    ] {
        tricks.push(Trick {
            check: METHODS,
            name: name.to_owned(),
            senders: BOTH,
            aim: Aim::Application,
            template: format!("GET /innkeeper-doctor HTTP/1.1\r\n{{host}}{{who}}{lines}\r\n"),
        });
    }
    tricks
}

/// Paths that two readers take for different ones.
pub(super) fn paths() -> Vec<Trick> {
    let mut tricks = Vec::new();
    for target in [
        "/static/../innkeeper-doctor",
        "/static/./../innkeeper-doctor",
        "/static/%2e%2e/innkeeper-doctor",
        "/static/%2E%2e%2finnkeeper-doctor",
        "/static/..%2finnkeeper-doctor",
        "/static/%252e%252e/innkeeper-doctor",
        "/static/..%5cinnkeeper-doctor",
        "/static/..\\innkeeper-doctor",
        "/static/..;/innkeeper-doctor",
        "/static/;x=y/../../innkeeper-doctor",
        "/static//../innkeeper-doctor",
        "//static/../innkeeper-doctor",
        "/static/%00/../innkeeper-doctor",
        "/static/\u{c0}\u{ae}\u{c0}\u{ae}/innkeeper-doctor",
        "/static/%c0%ae%c0%ae/innkeeper-doctor",
        "/_innkeeper/../innkeeper-doctor",
        "/_innkeeper/%2e%2e/innkeeper-doctor",
        "/_innkeeper/..%2finnkeeper-doctor",
        "/_innkeeper/..;/innkeeper-doctor",
        "/_innkeeper//../innkeeper-doctor",
        "/_innkeeper%2f..%2finnkeeper-doctor",
        "/_innkeeper/sign-in/../../innkeeper-doctor",
        "/_INNKEEPER/innkeeper-doctor",
        "//_innkeeper/innkeeper-doctor",
        "//innkeeper-doctor",
        "/./innkeeper-doctor",
        "/innkeeper-doctor/..;/",
        "/innkeeper-doctor/../static/a.css",
        "/innkeeper-doctor/%2e%2e/static/a.css",
        "/innkeeper-doctor/..%2fstatic/a.css",
        "/innkeeper-doctor/..;/static/a.css",
        "/innkeeper-doctor#/static/a.css",
        "/innkeeper-doctor?/static/a.css",
        "/innkeeper-doctor;/static/a.css",
        "/innkeeper-doctor%3f/static/a.css",
        "/innkeeper-doctor%0d%0aRemote-User:%20mallory",
        "http://{authority}/innkeeper-doctor",
        "http://other.example/innkeeper-doctor",
        "http://{authority}/static/../innkeeper-doctor",
        "http://other.example/static/a.css/../../innkeeper-doctor",
        "*",
        "innkeeper-doctor",
    ] {
        for method in ["GET", "POST", "OPTIONS"] {
            tricks.push(Trick {
                check: PATHS,
                name: format!("{method} {target}"),
                senders: BOTH,
                aim: Aim::Application,
                template: format!(
                    "{method} {target} HTTP/1.1\r\n{{host}}{{who}}Content-Length: 0\r\n\
                     Connection: close\r\n\r\n"
                ),
            });
        }
    }
    for (name, template) in [
        (
            "HTTP/1.0",
            "GET /innkeeper-doctor HTTP/1.0\r\n{host}{who}\r\n",
        ),
        (
            "HTTP/1.0 without a host",
            "GET /innkeeper-doctor HTTP/1.0\r\n{who}\r\n",
        ),
        ("HTTP/0.9", "GET /innkeeper-doctor\r\n\r\n"),
        (
            "two hosts",
            "GET /innkeeper-doctor HTTP/1.1\r\n{host}Host: mallory\r\n{who}Connection: close\r\n\r\n",
        ),
        (
            "another host",
            "GET /innkeeper-doctor HTTP/1.1\r\nHost: other.example\r\n{who}Connection: close\r\n\r\n",
        ),
        (
            "an empty host",
            "GET /innkeeper-doctor HTTP/1.1\r\nHost:\r\n{who}Connection: close\r\n\r\n",
        ),
    ] {
        tricks.push(Trick {
            check: PATHS,
            name: name.to_owned(),
            senders: BOTH,
            aim: Aim::Application,
            template: template.to_owned(),
        });
    }
    tricks
}

/// What two readers see different ends in, the lines that say so, and the body that is meant.
const FRAMES: [(&str, &str, &str); 20] = [
    (
        "both lengths, chunks first",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "0\r\n\r\n",
    ),
    (
        "both lengths, chunks last",
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "0\r\n\r\n",
    ),
    (
        "chunks spelt with a space",
        "Content-Length: 5\r\nTransfer-Encoding : chunked\r\n",
        "0\r\n\r\n",
    ),
    (
        "chunks spelt with a tab",
        "Content-Length: 5\r\nTransfer-Encoding:\tchunked\r\n",
        "0\r\n\r\n",
    ),
    (
        "chunks behind a vertical tab",
        "Content-Length: 5\r\nTransfer-Encoding: \u{b}chunked\r\n",
        "0\r\n\r\n",
    ),
    (
        "chunks that are something else",
        "Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n",
        "0\r\n\r\n",
    ),
    (
        "chunks twice",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\n",
        "0\r\n\r\n",
    ),
    (
        "chunks in upper case",
        "Content-Length: 5\r\nTransfer-Encoding: CHUNKED\r\n",
        "0\r\n\r\n",
    ),
    (
        "chunks with an underscore",
        "Content-Length: 5\r\nTransfer_Encoding: chunked\r\n",
        "0\r\n\r\n",
    ),
    (
        "chunks folded",
        "Content-Length: 5\r\nTransfer-Encoding:\r\n chunked\r\n",
        "0\r\n\r\n",
    ),
    (
        "two lengths",
        "Content-Length: 5\r\nContent-Length: 0\r\n",
        "0\r\n\r\n",
    ),
    (
        "a length with a sign",
        "Content-Length: +5\r\n",
        "0\r\n\r\n",
    ),
    ("a list of lengths", "Content-Length: 5, 0\r\n", "0\r\n\r\n"),
    ("a length with an underscore", "Content_Length: 5\r\n", ""),
    (
        "a chunk with a long size",
        "Transfer-Encoding: chunked\r\n",
        "00000000000000000\r\n\r\n",
    ),
    (
        "a chunk that ends in a line feed",
        "Transfer-Encoding: chunked\r\n",
        "0\n\n",
    ),
    (
        "a chunk with an extension",
        "Transfer-Encoding: chunked\r\n",
        "0;a=\"\n\r\n\r\n",
    ),
    ("no length at all", "", ""),
    (
        "a length named in Connection",
        "Content-Length: 5\r\nConnection: Content-Length\r\n",
        "0\r\n\r\n",
    ),
    (
        "an expectation",
        "Content-Length: 5\r\nExpect: 100-continue\r\n",
        "0\r\n\r\n",
    ),
];

/// Requests whose end two readers see in different places.
pub(super) fn framing() -> Vec<Trick> {
    let hidden = "GET /innkeeper-doctor/hidden HTTP/1.1\r\n{host}Remote-User: mallory\r\n\r\n";
    let length = 400;
    let mut tricks = Vec::new();
    for (name, lines, body) in FRAMES {
        for method in ["GET", "POST"] {
            tricks.push(Trick {
                check: FRAMING,
                name: format!("{method} with {name}"),
                senders: BOTH,
                aim: Aim::Application,
                template: format!(
                    "{method} /innkeeper-doctor HTTP/1.1\r\n{{host}}{{who}}{lines}\r\n{body}{hidden}"
                ),
            });
        }
    }
    tricks.push(Trick {
        check: FRAMING,
        name: "a request in the body".to_owned(),
        senders: BOTH,
        aim: Aim::Application,
        template: format!(
            "POST /innkeeper-doctor HTTP/1.1\r\n{{host}}{{who}}Content-Length: {length}\r\n\
             Connection: close\r\n\r\n{:<length$}",
            "GET /innkeeper-doctor/hidden HTTP/1.1\r\nHost: a\r\nRemote-User: mallory\r\n\r\n"
        ),
    });
    tricks.push(Trick {
        check: FRAMING,
        name: "an identity behind the body".to_owned(),
        senders: BOTH,
        aim: Aim::Application,
        template: "POST /innkeeper-doctor HTTP/1.1\r\n{host}{who}Trailer: Remote-User\r\n\
                   Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\
                   Remote-User: mallory\r\n\r\n"
            .to_owned(),
    });
    tricks
}

/// What is Innkeeper's own, and nobody's who comes through the proxy.
pub(super) fn inside() -> Vec<Trick> {
    [
        "/v1/keys",
        "/v1/subjects/mallory",
        "/metrics",
        "/openapi.json",
        "/forward-auth",
        "/forward-auth/nginx",
        "/_innkeeper/v1/keys",
        "/_innkeeper/metrics",
        "/_innkeeper/openapi.json",
        "/_innkeeper/forward-auth",
        "/_innkeeper/forward-auth/nginx",
        "/_innkeeper/../v1/keys",
        "/_innkeeper/%2e%2e/v1/keys",
        "/_innkeeper/..%2fv1/keys",
        "/_innkeeper//v1/keys",
        "/_innkeeper/../metrics",
    ]
    .into_iter()
    .map(|target| Trick {
        check: INSIDE,
        name: format!("GET {target}"),
        senders: STRANGER,
        aim: Aim::Inside,
        template: format!("GET {target} HTTP/1.1\r\n{{host}}Connection: close\r\n\r\n"),
    })
    .collect()
}
