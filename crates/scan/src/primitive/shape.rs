//! Narrow questions about one call: whose session, what kind of store, what kind of message.

use crate::syntax::words::{any, words};
use crate::syntax::{Call, Language};
use crate::vocabulary as v;

/// The session of the request in hand, as opposed to a table of sessions.
pub(super) fn is_current(receiver: &str, language: Language) -> bool {
    // `db.session.create` of a JavaScript client is a table, and of Python's a conversation.
    let handle = receiver.trim_start_matches("this.").split('.').next();
    let is_table = is_script(language)
        && receiver.contains('.')
        && matches!(
            handle,
            Some("db" | "tx" | "trx" | "database" | "client" | "orm")
        );
    // `user_session.session.delete()` of Django ends the session that a row belongs to.
    let owner = receiver.rsplit('.').nth(1);
    let is_of_row = language == Language::Python
        && owner.is_some_and(|owner| {
            let list = words(owner);
            !any(
                &list,
                "request req ctx context self g flask info environ app",
            ) || owner.ends_with("()")
        });
    if is_table || is_of_row {
        return false;
    }
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

const fn is_script(language: Language) -> bool {
    matches!(
        language,
        Language::JavaScript | Language::TypeScript | Language::Tsx
    )
}

/// The `session` of an object mapper, which is a conversation with a database.
pub(super) fn is_orm(call: &Call, language: Language) -> bool {
    let path = call.path.to_ascii_lowercase();
    let method = call.method();
    !is_script(language) && path.contains("db.session")
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

pub(super) fn is_put(method: &[String]) -> bool {
    any(
        method,
        "set put add insert store save push setattribute setstring update",
    )
}

pub(super) fn sets_user(method: &[String], names: &[String]) -> bool {
    method.len() >= 2
        && any(method, "user userid account")
        && !any(method, "agent data language theme timezone")
        && !names.is_empty()
}

pub(super) fn is_plain_making(method: &[String]) -> bool {
    method.len() <= 2 || any(method, "one session token user")
}

/// `Session.new` of a framework's own type, a class definition and the like.
pub(super) fn is_definition_like(call: &Call) -> bool {
    call.arguments.is_empty()
        || call.path.ends_with("Error.new")
        || call.path.ends_with("Exception.new")
        || call.names.is_empty()
}

pub(super) fn is_token_signing(call: &Call, method: &[String], holder: &[String]) -> bool {
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

pub(super) fn is_browser_storage(call: &Call) -> bool {
    let path = call.path.to_ascii_lowercase();
    path.contains("localstorage")
        || path.contains("sessionstorage")
        || path.contains("cookie")
        || path.contains("queryclient")
        || path.contains("dispatch")
}

pub(super) fn is_message_about_sign_in(
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
    // `credentials.push` grows a list.
    let pushes = method == ["push"] && !any(receiver, "notification notifier pusher expo fcm apns");
    let sends = !pushes
        && any(
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
        || !pushes && new_sign_in(method) && any(&all, "notify send email mail notification")
        || all
            .windows(2)
            .any(|t| t[0] == "login" && t[1] == "location")
            && sends
}

/// Is a message sent to somebody, whatever it says: `mailSender.send`, `send_mail`, `user.notify`?
pub(super) fn is_message(name: &str, method: &[String], receiver: &[String]) -> bool {
    let by_name = matches!(
        name,
        "send_mail"
            | "email_user"
            | "sendMail"
            | "SendMail"
            | "sendEmail"
            | "SendEmailAsync"
            | "notify"
    );
    let carrier = "mail mailer email smtp transporter sendgrid sgmail resend ses postmark mailgun notification notifier notice sms push twilio sns";
    let sends = any(method, "send deliver queue publish")
        && any(&[receiver, method].concat(), carrier)
        && !any(receiver, "res response logger console");
    by_name || sends
}

/// A receiver without the handle of the database, which says nothing of what is in it.
pub(super) fn without_database(receiver: &str) -> String {
    receiver
        .split('.')
        .filter(|part| {
            !matches!(
                part.trim_start_matches('_'),
                "db" | "DB" | "database" | "tx" | "trx" | "mongo" | "orm" | "this"
            )
        })
        .collect::<Vec<_>>()
        .join(".")
}

/// A mark on the user that every session is compared with: changing it ends them all.
pub(super) fn is_stamp(list: &[String]) -> bool {
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

/// Is identity written into a session that was there before?
pub(super) fn keeps_id(path: &str) -> bool {
    let receiver = path.rsplit_once('.').map_or("", |(before, _)| before);
    let last = words(receiver.rsplit('.').next().unwrap_or(""));
    let method = words(path.rsplit('.').next().unwrap_or(""));
    // `sessionRepository.save` stores a row of a table, and no identity in a session.
    let is_session = last
        .last()
        .is_some_and(|w| any(std::slice::from_ref(w), "session sess values"));
    (is_session || receiver.contains("_SESSION"))
        && !receiver.starts_with(char::is_uppercase)
        && (!v::is_making(&method)
            || any(&method, "set put add insert save store")
                && (method.len() <= 2 || v::names_user(&method)))
        && !v::names_session_loosely(&method)
}
