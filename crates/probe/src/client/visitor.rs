//! One side that talks to the application: a browser of its own, with its cookies and what it
//! captured.

use super::budget::Purse;
use super::jar::Jar;
use crate::origin::Origin;
use crate::recipe::{Carrier, Device, User, Values};

/// One side. A copy of it is somebody who stole all that it holds.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    /// What it is called in the transcript.
    pub(crate) side: String,
    pub(crate) user: User,
    pub(crate) device: Device,
    pub(crate) jar: Jar,
    /// What requests may name: the user's data, and captures.
    pub(crate) values: Values,
    /// From which purse it lives.
    pub(crate) purse: Purse,
}

impl Visitor {
    /// Somebody who is not signed in.
    pub(crate) fn new(
        side: &str,
        user: &User,
        password: &str,
        device: &Device,
        purse: Purse,
    ) -> Self {
        Self {
            side: side.to_owned(),
            user: user.clone(),
            device: device.clone(),
            jar: Jar::default(),
            values: values_of(user, Some(password)),
            purse,
        }
    }

    /// What the application would take it by, where it has one.
    pub(crate) fn credential<'a>(&'a self, carrier: &Carrier) -> Option<&'a str> {
        match carrier {
            Carrier::Cookie(name) => self.jar.find(name).map(|cookie| cookie.value.as_str()),
            Carrier::Bearer(capture) | Carrier::Header { capture, .. } => {
                self.values.get(capture).map(String::as_str)
            }
        }
    }

    /// The same side with another credential, and no other cookie.
    pub(crate) fn with_credential(&self, carrier: &Carrier, origin: &Origin, value: &str) -> Self {
        let mut forged = self.clone();
        match carrier {
            Carrier::Cookie(name) => {
                forged.jar = Jar::default();
                forged.jar.put(origin, name, value);
            }
            Carrier::Bearer(capture) | Carrier::Header { capture, .. } => {
                forged.values.insert(capture.clone(), value.to_owned());
            }
        }
        forged
    }
}

/// What a request may name of a user.
pub(crate) fn values_of(user: &User, password: Option<&str>) -> Values {
    let mut values = Values::from([
        ("user.name".to_owned(), user.name.clone()),
        ("user.identity".to_owned(), user.identity.clone()),
    ]);
    if let Some(password) = password {
        values.insert("user.password".to_owned(), password.to_owned());
    }
    values
}
