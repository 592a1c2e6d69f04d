//! The page as a browser meets it: each test sends requests to the service.

mod api;
mod api_access;
mod api_reports;
mod attacks;
mod building;
mod clients;
mod conflict;
mod documented;
mod failing;
mod filled;
mod forms;
mod hooked;
mod hosts;
mod idempotency;
mod issue;
mod keys;
mod openapi;
mod self_service;
mod self_service_limits;
mod sessions;
mod sign_in;
mod states;
mod support;
