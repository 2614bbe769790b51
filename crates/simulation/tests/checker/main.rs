//! Each rule of the checker, seen catching a history that breaks it, and sparing one that does not.

mod devices;
mod nodes;
mod protection;
mod rules;
mod seats;
mod story;
