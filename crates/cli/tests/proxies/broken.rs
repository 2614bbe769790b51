//! Recipes that lack one thing: each lets a trick through, and doctor says which.

use innkeeper_test_servers::front::ProxyKind;

use crate::house::{PUBLIC, edited, free, server};
use crate::spoofing::doctor;

/// What is changed in a recipe, and the checks that then fail.
struct Flaw {
    what: &'static str,
    from: &'static str,
    to: &'static str,
    fails: &'static [&'static str],
}

const NGINX: &[Flaw] = &[
    Flaw {
        what: "nobody is asked",
        from: "            auth_request /_innkeeper/forward-auth;\n",
        to: "",
        fails: &["proxy_session", "proxy_paths", "proxy_methods"],
    },
    Flaw {
        what: "who it is comes from the client",
        from: "            proxy_set_header Remote-User $user;\n",
        to: "",
        fails: &["proxy_session", "proxy_identity"],
    },
    Flaw {
        what: "underscores are let in",
        from: "underscores_in_headers off",
        to: "underscores_in_headers on",
        fails: &["proxy_identity", "proxy_forwarded"],
    },
    Flaw {
        what: "where it comes from is the client's word",
        from: "            # Where it comes from, and what it asks for: by our word alone.\n            proxy_set_header X-Forwarded-For $remote_addr;",
        to: "            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
        fails: &["proxy_forwarded"],
    },
    Flaw {
        what: "where it goes is the client's word",
        from: "            proxy_set_header X-Rewrite-URL \"\";\n",
        to: "",
        fails: &["proxy_forwarded"],
    },
    Flaw {
        what: "only some methods are asked about",
        from: "        location / {\n",
        to: "        location @open { proxy_pass http://application; }\n        location / {\n            error_page 418 = @open;\n            if ($request_method = OPTIONS) { return 418; }\n",
        fails: &["proxy_methods", "proxy_paths"],
    },
    Flaw {
        what: "upgrades are not asked about",
        from: "        location / {\n",
        to: "        location @open { proxy_pass http://application; }\n        location / {\n            error_page 418 = @open;\n            if ($http_upgrade = websocket) { return 418; }\n",
        fails: &["proxy_methods"],
    },
    Flaw {
        what: "the question names itself, and not the request",
        from: "X-Original-URI $request_uri",
        to: "X-Original-URI $uri",
        fails: &["proxy_session", "proxy_credentials"],
    },
    Flaw {
        what: "a public path of the proxy's own is found by how the path begins",
        from: "        location / {\n",
        to: "        if ($request_uri ~ \"^/static/\") { rewrite ^ /open last; }\n        location = /open { internal; proxy_pass http://application$request_uri; }\n        location / {\n",
        fails: &["proxy_paths"],
    },
    Flaw {
        what: "all of Innkeeper is reached",
        from: "location /_innkeeper/ {",
        to: "location ~ ^/(_innkeeper|v1|metrics|openapi.json) {",
        fails: &["proxy_inside"],
    },
];

const CADDY: &[Flaw] = &[
    Flaw {
        what: "nothing is taken from the client",
        from: "\t\trequest_header -Remote_*\n",
        to: "",
        fails: &["proxy_identity"],
    },
    Flaw {
        what: "what a client names in Connection is dropped last",
        from: "\t\t\t\theader_up Remote-User {http.request.header.Remote-User}\n",
        to: "",
        fails: &["proxy_identity"],
    },
    Flaw {
        what: "cookies do not come along",
        from: "\t\t\t\turi /forward-auth?\n",
        to: "\t\t\t\turi /forward-auth?\n\t\t\t\theader_up -Cookie\n\t\t\t\theader_up -Authorization\n",
        fails: &["proxy_session", "proxy_credentials"],
    },
];

const HAPROXY: &[Flaw] = &[
    Flaw {
        what: "underscores are let in",
        from: "    option http-restrict-req-hdr-names delete\n",
        to: "",
        fails: &["proxy_identity"],
    },
    Flaw {
        what: "Connection names what is to be dropped",
        from: "    http-request del-header connection unless upgrade\n",
        to: "",
        fails: &["proxy_identity"],
    },
    Flaw {
        what: "two cookies are one",
        from: "    http-request lua.innkeeper ",
        to: "    http-request set-header cookie \"%[req.cook(__Host-innkeeper),regsub(^,__Host-innkeeper=)]\" unless to_innkeeper\n    http-request lua.innkeeper ",
        fails: &["proxy_credentials"],
    },
];

fn each_is_caught(kind: ProxyKind, flaws: &[Flaw]) {
    let data = tempfile::tempdir().unwrap();
    let data = data.path().join("data");
    let server = server(&data, PUBLIC);
    for flaw in flaws {
        let application = free();
        let proxy = edited(kind, &server, application, |name, text| {
            if name != kind.files()[0] {
                return text;
            }
            assert!(
                text.contains(flaw.from),
                "{kind:?}: {} is not there",
                flaw.from
            );
            text.replacen(flaw.from, flaw.to, 1)
        });

        let said = doctor(&server, &data, &proxy, application);

        let what = flaw.what;
        assert_eq!(
            said.code, 1,
            "{kind:?}, {what}: {}{:#}",
            said.error, said.report
        );
        for name in flaw.fails {
            let (state, detail) = said.check(name);
            assert_eq!(state, "failed", "{kind:?}, {what}: {name}: {detail}");
        }
    }
    println!("{kind:?}: {} flaws, each caught", flaws.len());
}

#[test]
fn given_an_nginx_that_lacks_one_thing_when_doctor_looks_then_it_says_what_gets_past_it() {
    each_is_caught(ProxyKind::Nginx, NGINX);
}

#[test]
fn given_a_caddy_that_lacks_one_thing_when_doctor_looks_then_it_says_what_gets_past_it() {
    each_is_caught(ProxyKind::Caddy, CADDY);
}

#[test]
fn given_an_haproxy_that_lacks_one_thing_when_doctor_looks_then_it_says_what_gets_past_it() {
    each_is_caught(ProxyKind::Haproxy, HAPROXY);
}
