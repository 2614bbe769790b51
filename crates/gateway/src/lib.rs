//! Hosted sign-in, local users, pages and the demo.
