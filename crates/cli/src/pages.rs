//! Lists that the server gives page by page.

use innkeeper_api::{KeyPage, KeyView, Session, SessionPage, Timestamp, UserPage, UserView};
use serde::de::DeserializeOwned;

use crate::exit::Failure;
use crate::remote::Server;

/// A page of a list.
pub(crate) trait Page: DeserializeOwned {
    /// One thing of the list.
    type Row;

    /// What is on it, and where the next page starts, if there is one.
    fn apart(self) -> (Vec<Self::Row>, Option<String>);
}

/// Every page of a list, and the server's time with the last of them, where it tells.
pub(crate) async fn all<P: Page>(
    server: &Server,
    path: &[&str],
    query: &[(&str, &str)],
) -> Result<(Vec<P::Row>, Option<Timestamp>), Failure> {
    let mut rows = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut query = query.to_vec();
        query.extend(after.as_deref().map(|cursor| ("after", cursor)));
        let (page, now): (P, _) = server.get_dated(path, &query).await?;
        let (more, next) = page.apart();
        rows.extend(more);
        match next {
            Some(next) => after = Some(next),
            None => return Ok((rows, now)),
        }
    }
}

impl Page for KeyPage {
    type Row = KeyView;

    fn apart(self) -> (Vec<KeyView>, Option<String>) {
        (self.keys, self.next)
    }
}

impl Page for SessionPage {
    type Row = Session;

    fn apart(self) -> (Vec<Session>, Option<String>) {
        (self.sessions, self.next)
    }
}

impl Page for UserPage {
    type Row = UserView;

    fn apart(self) -> (Vec<UserView>, Option<String>) {
        (self.users, self.next)
    }
}
