//! The words of the field as code spells them, and the words that only look like them.
//!
//! A word alone never makes a fact. These functions answer narrow questions about names, and the
//! caller joins several answers: a session noun, and a verb, and a tie to a user.

use crate::syntax::words::{any, words};

/// Words that say another kind of session is meant.
const OTHER_SESSIONS: &str = "external linked db database sql orm analytics website visit visitor chat game quiz training study socket \
    ws websocket mqtt sse ssh tmux editor terminal checkout stripe payment upload replay \
    recording event heatmap stat stats statistic metric boto botocore requests tls aiohttp \
    spark exam voice conversation agent llm collab collaboration collaborative mongo mongoose \
    neo4j cassandra transaction engine maker csrf flash hibernate entity scoped fedcm realtime \
    workout booking meeting call video livekit debug shell browse import export speaker \
    conference talk course audio billing portal theme";

/// Is a sign-in session, or the token that stands for one, named here?
pub(crate) fn names_session(list: &[String]) -> bool {
    names_session_loosely(list) && !any(list, OTHER_SESSIONS)
}

/// The same, without the words that would rule it out.
pub(crate) fn names_session_loosely(list: &[String]) -> bool {
    any(
        list,
        "session sess jwt webhooksession sessiontoken logintoken authtoken accesstoken refreshtoken usertoken usersession",
    ) || pair(
        list,
        "login auth access refresh remember bearer user authentication",
        "token key",
    ) && any(list, "token")
        || any(list, "online") && any(list, "user users")
}

/// Are sessions, in the plural, named here?
pub(crate) fn names_sessions(list: &[String]) -> bool {
    let is_plural = |w: &String| {
        matches!(
            w.as_str(),
            "sessions" | "logins" | "usersessions" | "logintokens" | "authtokens"
        )
    };
    let of_tokens = |w: &String| matches!(w.as_str(), "tokens" | "online");
    let named = list.iter().any(is_plural)
        || list.iter().any(of_tokens)
            && pair(
                list,
                "login auth refresh user online",
                "tokens online devices user users",
            )
        || pair(list, "list all active my", "session");
    named && !any(list, OTHER_SESSIONS)
}

fn pair(list: &[String], first: &str, second: &str) -> bool {
    list.windows(2)
        .any(|two| any(&two[..1], first) && any(&two[1..], second))
}

/// Does a name stand for a user or an account?
pub(crate) fn names_user(list: &[String]) -> bool {
    any(
        list,
        "user userid uid account accountid member customer principal owner subject sub identity username admin person profile login email me player student employee patient operator",
    )
}

/// Is this the path of an account's own sessions, with nothing else that might have sessions in it?
pub(crate) fn is_sessions_of_account(path: &str) -> bool {
    const AROUND: &str = "api v1 v2 v3 rest auth user account me my settings setting security profile login self current identity authentication web app admin";
    let mut parts = path.split('/').filter(|part| !part.is_empty()).rev();
    let is_last = parts.next().is_some_and(|last| {
        matches!(
            last,
            "sessions" | "logins" | "login-sessions" | "active-sessions" | "user-sessions"
        )
    });
    is_last && parts.all(|part| any(&[part.to_ascii_lowercase()], AROUND))
}

/// Keys under which applications keep who is signed in.
pub(crate) fn is_identity_key(key: &str) -> bool {
    let list = words(key);
    let joined = list.concat();
    matches!(
        joined.as_str(),
        "user"
            | "userid"
            | "uid"
            | "username"
            | "account"
            | "accountid"
            | "member"
            | "memberid"
            | "id"
            | "email"
            | "useremail"
            | "login"
            | "loggedin"
            | "isloggedin"
            | "authenticated"
            | "isauthenticated"
            | "isauth"
            | "authuser"
            | "currentuser"
            | "currentuserid"
            | "admin"
            | "adminid"
            | "isadmin"
            | "customer"
            | "customerid"
            | "player"
            | "principal"
            | "identity"
            | "auth"
            | "passport"
            | "userdata"
            | "userinfo"
            | "loginuser"
            | "loginid"
            | "user_id"
            | "sub"
            | "authuserid"
            | "loggedinuser"
            | "loggedinuserid"
            | "employee"
            | "student"
            | "personid"
            | "usersession"
            | "signedin"
            | "authid"
            | "profile"
    )
}

/// Is this where somebody signs in?
pub(crate) fn is_login(list: &[String]) -> bool {
    any(
        list,
        "login logon signin auth authenticate authentication authenticated sso oauth oauth2 saml oidc openid callback register registration signup 2fa totp mfa otp passkey webauthn credential password impersonate google github ldap account security user session",
    ) || pair(list, "sign log", "in on up")
}

/// Is this where somebody signs in, by a word that means little else?
pub(crate) fn is_login_strictly(list: &[String]) -> bool {
    any(
        list,
        "login logon signin authenticate authentication sso saml oidc signup register 2fa totp mfa passkey webauthn",
    ) || pair(list, "sign log", "in on")
}

/// Is this where somebody signs out?
pub(crate) fn is_logout(list: &[String]) -> bool {
    (any(list, "logout signout logoff signoff") || pair(list, "sign log", "out off"))
        && !any(list, "force kick batch other admin everywhere")
}

/// A token made for one errand, which signs nobody in.
pub(crate) fn is_errand(list: &[String]) -> bool {
    any(
        list,
        "reset forgot invite invitation unsubscribe confirm confirmation verification download upload share collaboration transfer csrf xsrf nonce webhook preview apikey websocket socket media attachment captcha temp temporary unlock pairing mail email coupon device activation pkce state secondfactor challenge zoom push apns subscription image installation",
    ) || pair(list, "api personal", "key access")
}

/// A key for programs, which people make and delete on purpose.
pub(crate) fn is_api_token(list: &[String]) -> bool {
    any(list, "apitoken apikey pat") || pair(list, "api personal", "token key access")
}

/// Do sessions of another kind belong here?
pub(crate) fn is_of_another_kind(list: &[String]) -> bool {
    any(list, OTHER_SESSIONS)
}

/// Housekeeping: what is over is taken away.
pub(crate) fn is_cleanup(list: &[String]) -> bool {
    any(
        list,
        "cleanup clean purge expired prune gc sweep cron job schedule scheduler stale expire expiration outdated ttl migrate startup cleaner garbage old",
    )
}

/// A password is changed here, not checked or asked for.
pub(crate) fn is_password_change(list: &[String]) -> bool {
    (any(list, "password passwd pwd pass"))
        && any(
            list,
            "change update reset set edit new patch put post save modify store",
        )
        && !any(
            list,
            "forgot request validate check verify compare send hash policy strength form page",
        )
}

/// An account is taken out of use here.
pub(crate) fn is_disable(list: &[String]) -> bool {
    any(
        list,
        "disable suspend ban deactivate block lock anonymize freeze",
    ) || any(list, "delete remove destroy erase")
        && any(list, "user account member")
        && !names_session(list)
}

/// Only staff come here.
pub(crate) fn is_admin(list: &[String]) -> bool {
    any(
        list,
        "admin administrator monitor staff superuser sysop backoffice permission moderator sys rbac",
    ) || pair(list, "pre", "authorize")
}

/// Ends something.
pub(crate) fn is_ending(list: &[String]) -> bool {
    any(
        list,
        "revoke remove delete destroy terminate kill invalidate kick kickout purge del evict expire deletemany blacklist denylist unbind disconnect force signout logout",
    ) || any(list, "end clear drop flush")
}

/// Brings something into being.
pub(crate) fn is_making(list: &[String]) -> bool {
    any(
        list,
        "create start issue generate mint establish open make insert save store begin persist sign encode build add put new",
    )
}

/// Reads several.
pub(crate) fn is_listing(list: &[String]) -> bool {
    any(
        list,
        "list get find show index fetch all active query select read load findmany findall filter where search view display by",
    )
}

/// The sessions of one device, browser or installation.
pub(crate) fn names_device(list: &[String]) -> bool {
    any(
        list,
        "device deviceid installation installationid clientid fingerprint useragent",
    )
}

/// Several at once, and which.
pub(crate) fn means_others(list: &[String]) -> bool {
    any(list, "other others except exclude remaining else")
}

/// All of a user's.
pub(crate) fn means_all(list: &[String]) -> bool {
    any(
        list,
        "all everywhere every bulk many destroyall deletemany global",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_names_that_look_alike_when_asked_then_only_sign_in_sessions_are_sessions() {
        for name in [
            "userSession",
            "web_sessions",
            "LoginToken",
            "refreshToken",
            "SysUserOnline",
        ] {
            assert!(names_session(&words(name)), "{name}");
        }
        for name in [
            "dbSession",
            "websiteSession",
            "checkout.sessions",
            "csrfToken",
            "resetToken",
            "gameSession",
        ] {
            assert!(!names_session(&words(name)), "{name}");
        }
    }

    #[test]
    fn given_handlers_when_asked_then_signing_out_is_told_from_being_thrown_out() {
        assert!(is_logout(&words("logoutUser")));
        assert!(is_logout(&words("sign_out")));
        assert!(!is_logout(&words("batchForceLogout")));
        assert!(!is_logout(&words("login")));
    }
}
