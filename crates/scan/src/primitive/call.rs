//! What one call does to sessions.

use innkeeper_report::Confidence;

use super::scope::{end_scope, sql_on_sessions, sql_scope};
use super::shape::{
    is_browser_storage, is_current, is_definition_like, is_message, is_message_about_sign_in,
    is_orm, is_plain_making, is_put, is_stamp, is_token_signing, sets_user, without_database,
};
use super::{Around, Does, kept};
use crate::model::Parsed;
use crate::syntax::words::{any, words};
use crate::syntax::{Call, Language};
use crate::vocabulary as v;

#[expect(
    clippy::too_many_lines,
    reason = "one question after another about the same call"
)]
pub(super) fn of_call(
    file: &Parsed,
    call: &Call,
    around: &Around,
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
    let Around { near, far, .. } = around;
    let is_orm = is_orm(call, file.language);
    let current = is_current(call.receiver(), file.language) && !is_orm;
    let sql: Vec<String> = call
        .texts
        .iter()
        .filter(|t| t.contains(' '))
        .map(|t| t.to_ascii_lowercase())
        .collect();
    let table = |verb: &str| {
        sql.iter().any(|t| {
            sql_on_sessions(t, verb) && (v::names_user(&words(t)) || v::is_login_strictly(far))
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
    ) && !v::is_login_strictly(near);
    let tied_to_user = v::names_user(&names) || v::is_login(far) || v::is_login_strictly(&holder);
    if current
        && is_put(&method)
        && (call.texts.first().is_some_and(|t| v::is_identity_key(t)) || sets_user(&method, &names))
    {
        let settles = any(near, "setting profile preference avatar locale update")
            && !v::is_login_strictly(near);
        if !settles && !call.arguments.is_empty() {
            out.push((Does::Create, Confidence::Likely));
        }
    }
    if is_token_signing(call, &method, &holder)
        && !v::is_errand(&[near.clone(), words(&call.into)].concat())
    {
        let sure = v::is_login_strictly(far);
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
            || v::names_session(&holder) && !current && !is_orm && is_plain_making(&method))
        // `stripe.checkout.sessions.create`, and what is built only to be checked.
        && !v::is_of_another_kind(&receiver)
        && !(constructs && any(&holder, "authentication password anonymous bearer"));
    if (makes_session && !errand && tied_to_user && !is_definition_like(call))
        || table("insert into")
    {
        let sure = table("insert into") || v::is_login_strictly(near);
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

    if !out.iter().any(|(does, _)| *does == Does::Create)
        && !current
        && !is_orm
        && kept::is_put(file, call, around)
    {
        out.push((Does::Create, Confidence::Likely));
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
    } else if call.path == "delete" && call.names.ends_with("Values") {
        // Go takes the user out of the session as out of any map.
        if call.texts.first().is_some_and(|t| v::is_identity_key(t)) {
            out.push((Does::EndCurrent, Confidence::Sure));
        }
    } else if !is_orm && !resolved {
        let subject_words: Vec<String> = [receiver.clone(), method.clone()].concat();
        let chained = call
            .texts
            .iter()
            .any(|t| t.len() < 60 && !t.contains(' ') && v::names_session(&words(t)));
        // `expires_in` and `endsWith` ask, and end nothing.
        let asks = method
            .first()
            .is_some_and(|w| matches!(w.as_str(), "expires" | "ends"));
        let orm_delete = v::is_ending(&method)
            && !asks
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
                end_scope(&[subject_words.clone(), names.clone()].concat(), near),
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
            && !current
            && v::names_session(&subject_words)
            && any(
                &names,
                "revoked revokedat isrevoked isactive endedat active invalidated valid",
            );
        if ends_by_update {
            out.push((end_scope(&names, near), Confidence::Likely));
        }
    }
    if is_orm && call.method() == "delete" && is_row_of_session(file, call) {
        out.push((Does::EndOne, Confidence::Likely));
    }
    let is_store = any(&receiver, "redis cache kv memcached store");
    if out.is_empty()
        && is_store
        && v::is_logout(near)
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
    // Ruby finds one by its id.
    let finds_one = file.language == Language::Ruby
        && matches!(
            call.method(),
            "find" | "find_by" | "find_by!" | "find_signed"
        );
    let in_order = matches!(call.method(), "order" | "orderBy" | "order_by" | "latest");
    let reads =
        (v::is_listing(&method) || in_order) && !any(&method, "delete remove create") && !finds_one;
    if reads
        && !is_orm
        && (v::names_sessions(&method)
            || v::names_session(&holder)
                && (in_order || any(&method, "findmany findall list all filter where find query"))
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
    } else if is_message(call.method(), &method, &receiver) {
        out.push((Does::Write, Confidence::Likely));
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
            "get find token email validator encoder error state header cookie check can has is policy applicable msg message notification url uri path href link",
        )
        && !any(&receiver, "mailer mail notification")
        && !any(&names, "hide")
        && !call.method().starts_with("use");
    let sql_password = sql.iter().any(|t| {
        t.contains("update ")
            && t.contains(" set")
            && (t.contains("password=") || t.contains("password =") || t.contains("password_hash"))
    });
    // `user.update({ data: { password: … } })`: the key says what is set, whatever the value is called.
    let by_key = matches!(
        call.method(),
        "update"
            | "updateOne"
            | "updateMany"
            | "updateOrFail"
            | "findByIdAndUpdate"
            | "findOneAndUpdate"
            | "forceFill"
            | "fill"
    ) && any(&holder, "user account member customer")
        && file.outline.pairs.iter().any(|pair| {
            (call.line..=call.end_line).contains(&pair.line)
                && matches!(
                    words(&pair.target).concat().as_str(),
                    "password" | "passwordhash" | "hashedpassword" | "encryptedpassword"
                )
                && !matches!(
                    pair.written.trim_end_matches(','),
                    "true" | "false" | "1" | "0"
                )
        });
    if (sets_password || sql_password || by_key || fills_password(file, call))
        && !any(&words(call.method()), "state")
    {
        out.push((Does::SetPassword, Confidence::Likely));
    }
    if matches!(
        call.method(),
        "clearCookie" | "clear_cookie" | "delete_cookie" | "deleteCookie" | "removeCookie"
    ) || any(&holder, "cookie cookies") && any(&method, "delete remove clear")
        || empties_cookie(file, call)
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
    out
}

/// Ruby fills a row from what was sent: `@user.update(params.permit(:password, …))`, with what is
/// permitted here or in a method of its own.
fn fills_password(file: &Parsed, call: &Call) -> bool {
    let fills = matches!(
        call.method(),
        "update"
            | "update!"
            | "update_attributes"
            | "update_attributes!"
            | "assign_attributes"
            | "attributes="
            | "update_with_password"
            | "reset_password"
    );
    let holder = words(call.receiver().rsplit('.').next().unwrap_or(""));
    if file.language != Language::Ruby || !fills || !any(&holder, "user account member customer") {
        return false;
    }
    let names_it = |texts: &[String]| texts.iter().any(|text| text == "password");
    let outline = &file.outline;
    let permits = |own: usize| {
        let mut calls = outline.calls.iter().filter(|c| c.function == Some(own));
        calls.any(|c| matches!(c.method(), "permit" | "expect") && names_it(&c.texts))
    };
    let by_method = || {
        let mut functions = outline.functions.iter().enumerate();
        functions.any(|(own, f)| call.names.split(' ').any(|name| name == f.name) && permits(own))
    };
    names_it(&call.texts) || by_method()
}

/// A cookie that is set to be over: `http.Cookie{MaxAge: -1}`, `setMaxAge(0)`,
/// `res.cookie("sid", "", { maxAge: 0 })`.
fn empties_cookie(file: &Parsed, call: &Call) -> bool {
    let path = call.path.to_ascii_lowercase();
    if path.ends_with("setmaxage") && any(&words(call.receiver()), "cookie") {
        return call.arguments.first().is_some_and(|age| age == "0");
    }
    if !path.contains("cookie") {
        return false;
    }
    let is_over = |age: &str| age == "0" || age.starts_with('-');
    let by_place = path.ends_with("setcookie")
        && call.arguments.get(2).is_some_and(|age| is_over(age))
        && call.arguments.len() > 3;
    let by_pair = || {
        file.outline.pairs.iter().any(|pair| {
            let key = pair.target.to_ascii_lowercase().replace(['_', '-'], "");
            (call.line..=call.end_line).contains(&pair.line)
                && match key.as_str() {
                    "maxage" => is_over(pair.written.trim_end_matches(',')),
                    "expires" => any(&words(&pair.written), "unix epoch 0 1970 minvalue"),
                    _ => false,
                }
        })
    };
    by_place || by_pair()
}

/// `db.session.delete(row)` in Python, with a row of a class of sessions.
fn is_row_of_session(file: &Parsed, call: &Call) -> bool {
    let is_class = |name: &str| {
        name.starts_with(char::is_uppercase) && name != "Session" && v::names_session(&words(name))
    };
    let row = call.arguments.first().map_or("", String::as_str);
    file.outline
        .assigns
        .iter()
        .any(|a| a.function == call.function && a.target == row && a.names.split(' ').any(is_class))
}
