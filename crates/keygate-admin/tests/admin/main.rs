//! The page as a browser meets it: each test sends requests to the service.

mod attacks;
mod building;
mod clients;
mod conflict;
mod failing;
mod filled;
mod forms;
mod hosts;
mod issue;
mod keys;
mod sessions;
mod sign_in;
mod states;
mod support;
