//! The pages, asked as a browser would, without a socket.

mod account;
mod breakable;
mod budget;
mod choice;
mod demo;
mod devices;
mod ended;
mod form;
mod harness;
mod hosted;
mod previous;
mod remember;
mod sign_in;
mod site;
mod users;
