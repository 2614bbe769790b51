//! Primitives: single lines that do something to a session, before anyone asks why.
//!
//! The same `DELETE FROM sessions` is signing out, eviction or housekeeping, depending on who
//! calls it. Here it is only an ending; `flow` looks at the way in and says which.

use innkeeper_report::Confidence;

use crate::model::{Id, Model, Parsed};
use crate::syntax::words::{any, words};
use crate::syntax::{Assign, Call, Language};
use crate::vocabulary as v;

/// What a line does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Does {
    Create,
    SignToken,
    Regenerate,
    EndCurrent,
    EndOne,
    EndOthers,
    EndAll,
    EndOfDevice,
    List,
    Tell,
    SetPassword,
    ClearCookie,
    SingleSlot,
    Bound,
}

/// One line that does something.
#[derive(Clone, Debug)]
pub(crate) struct Primitive {
    pub(crate) does: Does,
    pub(crate) file: usize,
    pub(crate) line: u32,
    pub(crate) function: Option<Id>,
    pub(crate) confidence: Confidence,
    /// For a creation: the session was there before, and its id stays.
    pub(crate) keeps_id: bool,
    pub(crate) mechanism: String,
    pub(crate) note: String,
}

/// Everything the lines of a unit do, as far as home-grown code shows it.
pub(crate) fn primitives(model: &Model<'_>) -> Vec<Primitive> {
    let mut out = Vec::new();
    for (number, file) in model.files.iter().enumerate() {
        for assign in &file.outline.assigns {
            let function = model.id(number, assign.function);
            if let Some((does, confidence)) = of_assign(model, file, assign, function) {
                out.push(primitive(
                    does,
                    number,
                    assign.line,
                    function,
                    confidence,
                    &assign.target,
                ));
            }
        }
        for call in &file.outline.calls {
            let function = model.id(number, call.function);
            let resolved = model.resolve(number, call);
            for (does, confidence) in of_call(model, file, call, function, !resolved.is_empty()) {
                out.push(primitive(
                    does, number, call.line, function, confidence, &call.path,
                ));
            }
        }
        for compare in &file.outline.compares {
            let function = model.id(number, compare.function);
            if is_bound(model, compare, function) {
                let note = format!("{} {} {}", compare.left, compare.operator, compare.right);
                out.push(primitive(
                    Does::Bound,
                    number,
                    compare.line,
                    function,
                    Confidence::Likely,
                    &note,
                ));
            }
        }
    }
    out
}

fn primitive(
    does: Does,
    file: usize,
    line: u32,
    function: Option<Id>,
    confidence: Confidence,
    note: &str,
) -> Primitive {
    Primitive {
        does,
        file,
        line,
        function,
        confidence,
        keeps_id: does == Does::Create && keeps_id(note),
        mechanism: "home-grown".into(),
        note: note.chars().take(120).collect(),
    }
}

fn of_assign(
    model: &Model<'_>,
    file: &Parsed,
    assign: &Assign,
    function: Option<Id>,
) -> Option<(Does, Confidence)> {
    let (receiver, key) = assign.target.rsplit_once('.')?;
    let holder = receiver.rsplit('.').next().unwrap_or("");
    let is_session = v::names_session(&words(holder)) && any(&words(holder), "session sess")
        || matches!(holder, "_SESSION" | "Values" | "values")
            && v::names_session_loosely(&words(receiver));
    let empty = matches!(
        assign.written.trim_end_matches(';'),
        "null" | "undefined" | "None" | "nil" | "''" | "\"\"" | "false" | "False" | "{}" | "0"
    );
    if is_session && v::is_identity_key(key) {
        if empty {
            return Some((Does::EndCurrent, Confidence::Likely));
        }
        let near = function.map(|id| model.near(id)).unwrap_or_default();
        let decorates = near.last().is_some_and(|w| w == "session")
            || any(
                &near,
                "setting profile preference avatar locale serialize deserialize update refresh",
            ) && !v::is_login_strictly(&near);
        // `session["id"]` is a session's own id unless what goes in comes from a user.
        let tied = key != "id" || v::names_user(&words(&assign.names));
        if !decorates && tied && file.language != Language::Rust {
            return Some((
                Does::Create,
                if receiver.contains('.') {
                    Confidence::Sure
                } else {
                    Confidence::Likely
                },
            ));
        }
    }
    if empty
        && (assign.target.ends_with("req.session")
            || assign.target.ends_with("request.session")
            || assign.target.ends_with("ctx.session"))
    {
        return Some((Does::EndCurrent, Confidence::Sure));
    }
    let key_words = words(key);
    let is_user_row = any(&words(holder), "user account member customer profile");
    if is_user_row && !empty {
        if matches!(
            key_words.concat().as_str(),
            "password" | "passwordhash" | "hashedpassword" | "passwd" | "encryptedpassword" | "pwd"
        ) {
            return Some((Does::SetPassword, Confidence::Likely));
        }
        if matches!(
            key_words.concat().as_str(),
            "refreshtoken"
                | "currentsession"
                | "currentsessionid"
                | "activesession"
                | "activesessionid"
                | "sessiontoken"
                | "loginsession"
                | "activetoken"
        ) {
            return Some((Does::SingleSlot, Confidence::Likely));
        }
    }
    is_stamp(&key_words).then_some((Does::EndAll, Confidence::Likely))
}

/// Is identity written into a session that was there before?
fn keeps_id(path: &str) -> bool {
    let receiver = path.rsplit_once('.').map_or("", |(before, _)| before);
    let last = words(receiver.rsplit('.').next().unwrap_or(""));
    let method = words(path.rsplit('.').next().unwrap_or(""));
    (any(&last, "session sess values") || receiver.contains("_SESSION"))
        && !receiver.starts_with(char::is_uppercase)
        && (!v::is_making(&method)
            || any(&method, "set put add insert save store") && method.len() <= 2)
        && !v::names_session_loosely(&method)
}

/// A receiver without the handle of the database, which says nothing of what is in it.
fn without_database(receiver: &str) -> String {
    receiver
        .split('.')
        .filter(|part| {
            !matches!(
                *part,
                "db" | "database" | "tx" | "trx" | "mongo" | "orm" | "this"
            )
        })
        .collect::<Vec<_>>()
        .join(".")
}

/// A mark on the user that every session is compared with: changing it ends them all.
fn is_stamp(list: &[String]) -> bool {
    let joined = list.concat();
    [
        "tokenversion",
        "securitystamp",
        "sessionversion",
        "jwtsecret",
        "tokenvalidafter",
        "sessionsvalidafter",
        "tokensvalidafter",
        "authversion",
        "sessionepoch",
        "logoutat",
        "invalidatebefore",
        "rotatesecret",
        "sessionsalt",
        "sessiongeneration",
    ]
    .iter()
    .any(|stamp| {
        joined.ends_with(stamp)
            || joined == format!("rotate{stamp}")
            || joined == format!("increment{stamp}")
    })
}

#[expect(
    clippy::too_many_lines,
    reason = "one question after another about the same call"
)]
fn of_call(
    model: &Model<'_>,
    file: &Parsed,
    call: &Call,
    function: Option<Id>,
    resolved: bool,
) -> Vec<(Does, Confidence)> {
    let mut out = Vec::new();
    let method = words(call.method());
    let receiver = words(&without_database(call.receiver()));
    let holder_text = call
        .receiver()
        .trim_end_matches("()")
        .rsplit('.')
        .next()
        .unwrap_or("");
    let holder = words(holder_text);
    let names = words(&call.names);
    let near = function.map(|id| model.near(id)).unwrap_or_default();
    let far = function.map_or_else(|| words(&file.path), |id| model.far(id));
    let is_orm = is_orm(call, file.language);
    let current = is_current(call.receiver()) && !is_orm;
    let sql: Vec<String> = call
        .texts
        .iter()
        .filter(|t| t.contains(' '))
        .map(|t| t.to_ascii_lowercase())
        .collect();
    let table = |verb: &str| {
        sql.iter().any(|t| {
            sql_on_sessions(t, verb) && (v::names_user(&words(t)) || v::is_login_strictly(&far))
        })
    };

    // Made.
    let store_names_session = v::names_session(&[receiver.clone(), method.clone()].concat())
        || v::names_session(&holder) && !holder.is_empty();
    let errand = v::is_errand(
        &[
            near.clone(),
            words(&call.into),
            method.clone(),
            holder.clone(),
        ]
        .concat(),
    ) && !v::is_login_strictly(&near);
    let tied_to_user = v::names_user(&names) || v::is_login(&far) || v::is_login_strictly(&holder);
    if current
        && is_put(&method)
        && (call.texts.first().is_some_and(|t| v::is_identity_key(t)) || sets_user(&method, &names))
    {
        let settles = any(&near, "setting profile preference avatar locale update")
            && !v::is_login_strictly(&near);
        if !settles && !call.arguments.is_empty() {
            out.push((Does::Create, Confidence::Likely));
        }
    }
    if is_token_signing(call, &method, &holder)
        && !v::is_errand(&[near.clone(), words(&call.into)].concat())
    {
        let sure = v::is_login_strictly(&far);
        out.push((
            Does::SignToken,
            if sure {
                Confidence::Sure
            } else {
                Confidence::Likely
            },
        ));
    }
    let makes = v::is_making(&method)
        && !any(
            &method,
            "get find delete cookie table store config service middleware schema handler client manager repository builder options secret model index factory url uri",
        );
    let constructs = matches!(call.method(), "new" | "try_new");
    let makes_session = makes
        && (!constructs
            || holder
                .last()
                .is_some_and(|w| matches!(w.as_str(), "session" | "token")))
        && (v::names_session(&method)
            || v::names_session(&holder) && !current && !is_orm && is_plain_making(&method));
    if (makes_session && !errand && tied_to_user && !is_definition_like(call))
        || table("insert into")
    {
        let sure = table("insert into") || v::is_login_strictly(&near);
        out.push((
            Does::Create,
            if sure {
                Confidence::Sure
            } else {
                Confidence::Likely
            },
        ));
    }
    if method.last().is_some_and(|m| m == "push")
        && holder.last().is_some_and(|h| h == "sessions")
        && v::names_user(&receiver)
    {
        out.push((Does::Create, Confidence::Likely));
    }
    if any(&method, "insert")
        && call
            .texts
            .iter()
            .any(|t| !t.contains(' ') && v::names_session(&words(t)))
        && !current
    {
        out.push((Does::Create, Confidence::Sure));
    }

    // A new id.
    if any(&method, "regenerate cycle")
        && (store_names_session || current || any(&names, "session"))
        || matches!(call.method(), "migrateSession" | "changeSessionId" | "RenewToken" | "cycle_key" | "session_regenerate_id" | "RegenerateId" | "newSession" | "reset_session" | "cycle_id" | "renew" if v::names_session_loosely(&receiver) || !call.method().starts_with("renew"))
        || any(&method, "rotate") && current
    {
        out.push((Does::Regenerate, Confidence::Sure));
    }

    // Ended.
    if current
        && (v::is_ending(&method)
            || matches!(
                call.method(),
                "clear" | "flush" | "Clear" | "Destroy" | "Abandon" | "pop" | "forget"
            ))
        && !call.method().contains("Attribute")
    {
        let harmless = matches!(
            call.method(),
            "pop" | "forget" | "delete" | "remove" | "unset"
        ) && !call.texts.first().is_none_or(|t| v::is_identity_key(t));
        if !harmless {
            out.push((Does::EndCurrent, Confidence::Sure));
        }
    } else if !is_orm && !resolved {
        let subject_words: Vec<String> = [receiver.clone(), method.clone()].concat();
        let chained = call
            .texts
            .iter()
            .any(|t| t.len() < 60 && !t.contains(' ') && v::names_session(&words(t)));
        let orm_delete = v::is_ending(&method)
            && (v::names_session(&subject_words)
                || v::names_session(&names) && !names.is_empty()
                || chained)
            && !any(&method, "cookie listener item")
            && !any(
                &holder,
                "cookie cookies localstorage sessionstorage headers",
            );
        if orm_delete && !is_browser_storage(call) {
            out.push((
                end_scope(&[subject_words.clone(), names.clone()].concat(), &near),
                Confidence::Likely,
            ));
        }
        let hidden = ["update"].iter().any(|verb| {
            sql.iter().any(|t| {
                sql_on_sessions(t, verb)
                    && (t.contains("revoked")
                        || t.contains("ended")
                        || t.contains("active")
                        || t.contains("user_id=null")
                        || t.contains("logout"))
            })
        });
        if let Some(text) = sql.iter().find(|t| sql_on_sessions(t, "delete from")) {
            out.push((sql_scope(text), Confidence::Sure));
        } else if hidden {
            out.push((Does::EndOne, Confidence::Likely));
        }
        let ends_by_update = any(&method, "update updatemany set save")
            && v::names_session(&subject_words)
            && any(
                &names,
                "revoked revokedat isrevoked isactive endedat active invalidated valid",
            );
        if ends_by_update {
            out.push((end_scope(&names, &near), Confidence::Likely));
        }
    }
    let is_store = any(&receiver, "redis cache kv memcached store");
    if out.is_empty()
        && is_store
        && v::is_logout(&near)
        && any(&method, "del delete unlink remove")
        && any(&names, "token sid jwt key")
    {
        out.push((Does::EndOne, Confidence::Likely));
    }
    if is_stamp(&method)
        || any(&method, "increment incr inc update")
            && call
                .names
                .split(' ')
                .any(|n| is_stamp(&words(n)) && !n.to_ascii_lowercase().contains("secret"))
    {
        out.push((Does::EndAll, Confidence::Likely));
    }

    // Seen.
    let reads = v::is_listing(&method) && !any(&method, "delete remove create");
    if reads
        && !is_orm
        && (v::names_sessions(&method)
            || v::names_session(&holder)
                && any(&method, "findmany findall list all filter where find query")
                && !current
                && method.len() <= 4)
        || reads
            && !is_orm
            && !current
            && call.texts.iter().any(|t| {
                !t.contains(' ') && t.len() < 40 && v::names_sessions(&words(t)) && !t.contains('/')
            })
        || sql
            .iter()
            .any(|t| t.contains("select") && sql_on_sessions(t, "from") && t.contains("user"))
        || is_orm
            && reads
            && call
                .names
                .split(' ')
                .chain(call.receiver().split('.'))
                .any(|n| v::names_session(&words(n)) && n.starts_with(char::is_uppercase))
    {
        out.push((Does::List, Confidence::Likely));
    }

    // Told.
    if is_message_about_sign_in(&method, &receiver, &names, &call.texts) {
        out.push((Does::Tell, Confidence::Likely));
    }

    // Password and cookie.
    let sets_password = any(
        &method,
        "update set save change reset put patch modify exec execute",
    ) && (any(&method, "password passwd pwd")
        || any(
            &names,
            "password passwordhash hashedpassword newpassword passwd",
        ) && any(
            &[method.clone(), holder.clone()].concat(),
            "user account member me profile update",
        ))
        && !any(
            &method,
            "get find token email validator encoder error state header cookie",
        )
        && !call.method().starts_with("use");
    let sql_password = sql.iter().any(|t| {
        t.contains("update ")
            && t.contains(" set")
            && (t.contains("password=") || t.contains("password =") || t.contains("password_hash"))
    });
    if (sets_password || sql_password) && !any(&words(call.method()), "state") {
        out.push((Does::SetPassword, Confidence::Likely));
    }
    if matches!(
        call.method(),
        "clearCookie" | "clear_cookie" | "delete_cookie" | "deleteCookie" | "removeCookie"
    ) || any(&holder, "cookie cookies") && any(&method, "delete remove clear")
    {
        out.push((Does::ClearCookie, Confidence::Sure));
    }
    if any(&method, "update set save store")
        && any(&method, "refresh")
        && any(&method, "token tokens hash")
        && (any(&method, "user") || any(&holder, "user users usersservice"))
    {
        out.push((Does::SingleSlot, Confidence::Likely));
    }

    // A bound written as an offset: keep the newest n, end the rest.
    if any(&method, "offset skip slice")
        && v::names_session(&[receiver.clone(), far.clone()].concat())
        && any(&names, "max limit")
        && v::names_session_loosely(&names)
    {
        out.push((Does::Bound, Confidence::Likely));
    }
    out
}

/// The session of the request in hand, as opposed to a table of sessions.
fn is_current(receiver: &str) -> bool {
    let last = receiver
        .trim_end_matches("()")
        .rsplit('.')
        .next()
        .unwrap_or("");
    let joined = last.to_ascii_lowercase().replace('_', "");
    matches!(
        joined.as_str(),
        "session"
            | "sess"
            | "httpsession"
            | "websession"
            | "getsession"
            | "currentsession"
            | "usersession"
            | "sessionmanager"
            | "session()"
            | "httpcontext"
    ) && !matches!(joined.as_str(), "httpcontext")
        && (last.starts_with(char::is_lowercase) || receiver.contains("Context."))
        && !receiver.to_ascii_lowercase().contains("prisma")
        && !receiver.contains("models.")
}

/// The `session` of an object mapper, which is a conversation with a database.
fn is_orm(call: &Call, language: Language) -> bool {
    let path = call.path.to_ascii_lowercase();
    let method = call.method();
    path.contains("db.session")
        || path.contains("dbsession")
        || path.contains("entitymanager")
        || language == Language::Python
            && path.contains("session")
            && matches!(
                method,
                "add"
                    | "add_all"
                    | "commit"
                    | "query"
                    | "execute"
                    | "scalar"
                    | "scalars"
                    | "merge"
                    | "rollback"
                    | "refresh"
                    | "expunge"
                    | "delete"
                    | "filter"
                    | "filter_by"
                    | "first"
                    | "all"
                    | "one"
                    | "exec"
                    | "scalar_one_or_none"
            )
            && (method != "delete" || call.arguments.first().is_some_and(|a| !a.is_empty()))
        || matches!(
            method,
            "createQuery"
                | "persist"
                | "createCriteria"
                | "startSession"
                | "withTransaction"
                | "startTransaction"
                | "endSession"
                | "commitTransaction"
                | "abortTransaction"
        )
}

fn is_put(method: &[String]) -> bool {
    any(
        method,
        "set put add insert store save push setattribute setstring",
    )
}

fn sets_user(method: &[String], names: &[String]) -> bool {
    method.len() >= 2
        && any(method, "user userid account")
        && !any(method, "agent data language theme timezone")
        && !names.is_empty()
}

fn is_plain_making(method: &[String]) -> bool {
    method.len() <= 2 || any(method, "one session token user")
}

/// `Session.new` of a framework's own type, a class definition and the like.
fn is_definition_like(call: &Call) -> bool {
    call.arguments.is_empty()
        || call.path.ends_with("Error.new")
        || call.path.ends_with("Exception.new")
        || call.names.is_empty()
}

fn is_token_signing(call: &Call, method: &[String], holder: &[String]) -> bool {
    let path = call.path.as_str();
    let jwt = any(
        holder,
        "jwt jose jsonwebtoken jwtservice token tokenservice",
    ) || path.to_ascii_lowercase().contains("jwt");
    any(method, "sign signasync jwtsign") && jwt && !any(method, "algorithm key with")
        || path.ends_with("jwt.encode")
        || path.ends_with("JWT.encode")
        || path.ends_with("Jwts.builder")
        || path.ends_with("jwt.NewWithClaims")
        || path.ends_with("SignJWT.new")
        || path.ends_with("JwtSecurityToken.new")
        || path.ends_with("JWT.create")
        || path == "create_access_token"
        || path.ends_with(".create_access_token")
        || (path == "encode" || path.ends_with("jsonwebtoken.encode"))
            && call.names.contains("Header")
}

fn is_browser_storage(call: &Call) -> bool {
    let path = call.path.to_ascii_lowercase();
    path.contains("localstorage")
        || path.contains("sessionstorage")
        || path.contains("cookie")
        || path.contains("queryclient")
        || path.contains("dispatch")
}

fn is_message_about_sign_in(
    method: &[String],
    receiver: &[String],
    names: &[String],
    texts: &[String],
) -> bool {
    // `WelcomeMail.new` is built, which is not to say that anything in it is new.
    let method = if method.len() == 1 && method[0] == "new" {
        &[]
    } else {
        method
    };
    let receiver: Vec<String> = receiver.iter().filter(|w| *w != "new").cloned().collect();
    let receiver = receiver.as_slice();
    let all: Vec<String> = [receiver, method].concat();
    if any(receiver, "res response reply ctx logger log console") {
        return false;
    }
    let sends = any(
        &all,
        "send notify notification mail mailer email deliver alert push dispatch enqueue trigger spawn",
    );
    let new_sign_in = |list: &[String]| {
        any(
            list,
            "new unknown unrecognized unrecognised suspicious unusual detected location alert",
        ) && (any(list, "login signin logon device loginlocation browser")
            || list.windows(2).any(|t| t[0] == "sign" && t[1] == "in"))
            && !any(
                list,
                "link magic otp token reset failed attempt error fail failure success push",
            )
    };
    let by_text = texts.iter().any(|t| t.len() < 80 && new_sign_in(&words(t)));
    sends && (new_sign_in(&all) || new_sign_in(names) || by_text)
        || new_sign_in(method) && any(&all, "notify send email mail notification")
        || all
            .windows(2)
            .any(|t| t[0] == "login" && t[1] == "location")
            && sends
}

fn sql_on_sessions(text: &str, verb: &str) -> bool {
    text.match_indices(verb).any(|(at, _)| {
        let rest = &text[at + verb.len()..];
        let table: String = rest
            .trim_start_matches([' ', '\n', '\t', '"', '`', '['])
            .chars()
            .take_while(|c| c.is_alphanumeric() || "_.\"".contains(*c))
            .collect();
        !table.is_empty() && v::names_session(&words(&table))
    })
}

fn sql_scope(text: &str) -> Does {
    let of_user = text.contains("user_id")
        || text.contains("userid")
        || text.contains("account_id")
        || text.contains("uid");
    let by_id = [
        " id=",
        " id =",
        "token",
        "session_id",
        "sid",
        "key",
        "\"id\"",
    ]
    .iter()
    .any(|k| text.split("where").nth(1).is_some_and(|w| w.contains(k)));
    let but = text.contains("<>") || text.contains("!=") || text.contains(" not ");
    match (of_user, by_id, but) {
        (true, _, true) => Does::EndOthers,
        (true, false, false) => Does::EndAll,
        _ => Does::EndOne,
    }
}

fn end_scope(list: &[String], near: &[String]) -> Does {
    let both = [list, near].concat();
    if v::means_others(&both) {
        Does::EndOthers
    } else if v::names_device(list) && !any(list, "all") {
        Does::EndOfDevice
    } else if v::means_all(list)
        || (v::names_user(list) && !any(list, "id token key sid jwt hash session"))
    {
        Does::EndAll
    } else {
        Does::EndOne
    }
}

/// A comparison of how many sessions there are with how many there may be.
fn is_bound(model: &Model<'_>, compare: &crate::syntax::Compare, function: Option<Id>) -> bool {
    let (left, right) = (words(&compare.left), words(&compare.right));
    let names_max = |list: &[String]| {
        any(
            list,
            "max maximum limit allowed concurrent maxsession maxsessions quota",
        ) && v::names_session_loosely(list)
            && !any(
                list,
                "age time timeout size bytes length len idle duration ttl lifetime second minute hour expiry expires attempt retries",
            )
    };
    let counts = |text: &str, list: &[String]| {
        (v::names_sessions(list)
            || any(list, "sessioncount sessionscount")
            || any(list, "count") && v::names_session(list))
            && (text.contains(".length")
                || text.contains(".size")
                || text.contains("len()")
                || text.contains("count")
                || text.contains("Count")
                || text.starts_with("len("))
    };
    let literal = |text: &str| matches!(text, "0" | "1" | "-1" | "null" | "undefined");
    let ordered = matches!(compare.operator.as_str(), ">" | ">=" | "<" | "<=");
    let by_name = ordered
        && (names_max(&left) || names_max(&right))
        && !literal(&compare.left)
        && !literal(&compare.right);
    let by_count = ordered
        && (counts(&compare.left, &left) && !literal(&compare.right)
            || counts(&compare.right, &right) && !literal(&compare.left));
    if !by_name && !by_count {
        return false;
    }
    // Counting the cookies of one browser bounds accounts, not the sessions of a user.
    function.is_none_or(|id| {
        let own = &model.function(id).names;
        let all = words(own);
        !any(&all, "cookie")
            || own
                .split(' ')
                .any(|n| matches!(n, "userId" | "user_id" | "userID" | "uid"))
    })
}
