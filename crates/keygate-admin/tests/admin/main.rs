//! The page as a browser meets it: each test sends requests to the service.

mod attacks;
mod building;
mod forms;
mod hosts;
mod sessions;
mod sign_in;
mod support;
