//! `devices`: listed, trusted, renamed and forgotten.

use innkeeper_api::{DeviceList, DevicePatch, DeviceView};
use serde_json::json;

use crate::args::{DeviceArguments, DevicesArguments, DevicesCommand};
use crate::exit::Failure;
use crate::print;
use crate::remote::Server;
use crate::subjects::tell_if_unknown;
use crate::table::{Table, word};

/// Runs `devices`.
pub(crate) async fn run(arguments: DevicesArguments) -> Result<(), Failure> {
    let server = Server::reach(&arguments.client)?;
    let is_json = arguments.client.json;
    let query = [("tenant", arguments.tenant.as_str())];
    match arguments.command {
        DevicesCommand::List { subject } => {
            let path = ["v1", "subjects", &subject, "devices"];
            let list: DeviceList = server.get(&path, &query).await?;
            if is_json {
                print::json(&json!({"schema": "innkeeper.devices/1", "devices": list.devices}))?;
            } else if list.devices.is_empty() {
                print::lines("no device")?;
            } else {
                print::lines(table(&list.devices))?;
            }
            if list.devices.is_empty() {
                tell_if_unknown(&server, &arguments.tenant, &subject).await?;
            }
            Ok(())
        }
        DevicesCommand::Revoke { id } => {
            server.delete(&["v1", "devices", &id], &query).await?;
            let document = json!({"schema": "innkeeper.revoked/1", "id": id});
            let words = format!("forgot {id}; its sessions have ended");
            print::answer(is_json, &document, words)
        }
        DevicesCommand::Trust(DeviceArguments { subject, id }) => {
            let path = ["v1", "subjects", &subject, "devices", &id, "trust"];
            changed(is_json, server.post_to(&path, &query).await?)
        }
        DevicesCommand::Distrust(DeviceArguments { subject, id }) => {
            let path = ["v1", "subjects", &subject, "devices", &id, "trust"];
            changed(is_json, server.delete_for(&path, &query).await?)
        }
        DevicesCommand::Rename { device, name } => {
            let path = ["v1", "subjects", &device.subject, "devices", &device.id];
            let name = innkeeper_api::Text::new(name)
                .ok_or_else(|| Failure::usage("the name has more than 256 bytes"))?;
            let asked = DevicePatch { tenant: None, name };
            changed(is_json, server.patch(&path, &query, &asked).await?)
        }
    }
}

/// Prints a device as it is from now on.
fn changed(is_json: bool, device: DeviceView) -> Result<(), Failure> {
    let document = json!({"schema": "innkeeper.device/1", "device": device});
    print::answer(is_json, &document, table(&[device]))
}

fn table(devices: &[DeviceView]) -> Table {
    let mut table = Table::new(&[
        "id",
        "name",
        "class",
        "trusted",
        "sessions",
        "first seen",
        "last seen",
    ]);
    for device in devices {
        table.cells([
            device.id.clone(),
            device.name.clone(),
            word(&device.class),
            device
                .trusted_at
                .map_or_else(|| "no".to_owned(), |at| format!("since {at}")),
            device.sessions.to_string(),
            device.first_seen_at.to_string(),
            device.last_seen_at.to_string(),
        ]);
    }
    table
}
