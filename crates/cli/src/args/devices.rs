//! The command line of `devices`.

use clap::{Args, Subcommand};

use super::{ClientArguments, values};

pub(super) const MORE: &str = "\
Examples:
  innkeeper devices list alice
  innkeeper devices revoke dev_…             forgets it, and ends its sessions
  innkeeper devices trust alice dev_…
  innkeeper devices rename alice dev_… 'Front desk'

The next sign-in from a device that was forgotten is one from a device never
seen.";

/// `devices`.
#[derive(Args, Debug)]
pub(crate) struct DevicesArguments {
    /// How to reach the server.
    #[command(flatten)]
    pub(crate) client: ClientArguments,
    /// The tenant of the subject
    #[arg(long, global = true, value_name = "TENANT", default_value = "default", value_parser = values::name)]
    pub(crate) tenant: String,
    /// What to do with devices.
    #[command(subcommand)]
    pub(crate) command: DevicesCommand,
}

/// The commands of `devices`.
#[derive(Debug, Subcommand)]
pub(crate) enum DevicesCommand {
    /// List the devices of a subject
    List {
        /// The immutable id of the account, as the application names it
        #[arg(value_parser = values::name)]
        subject: String,
    },
    /// Forget a device and end its sessions
    Revoke {
        /// The id of the device, dev_…
        #[arg(value_parser = values::device_id)]
        id: String,
    },
    /// Trust a device of a subject, at once
    Trust(DeviceArguments),
    /// Trust a device no longer
    Distrust(DeviceArguments),
    /// Give a device another name
    Rename {
        /// Which device.
        #[command(flatten)]
        device: DeviceArguments,
        /// What to call it: 1 to 64 characters that can be seen
        name: String,
    },
}

/// A device of a subject.
#[derive(Args, Debug)]
pub(crate) struct DeviceArguments {
    /// The immutable id of the account, as the application names it
    #[arg(value_parser = values::name)]
    pub(crate) subject: String,
    /// The id of the device, dev_…
    #[arg(value_parser = values::device_id)]
    pub(crate) id: String,
}
