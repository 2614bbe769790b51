//! The pages, asked as a browser would, without a socket.

mod account;
mod back_channel;
mod breakable;
mod budget;
mod choice;
mod demo;
mod devices;
mod ended;
#[allow(
    dead_code,
    reason = "it is shared with the tests of the provider, and each uses a part"
)]
#[path = "../../../federation/tests/provider/fake.rs"]
mod fake;
mod form;
mod harness;
mod hosted;
mod previous;
mod provider;
mod remember;
mod sign_in;
mod site;
mod users;
