//! The page as a browser uses it: each test sends requests to the service.

#[path = "../../../../tests/common/allocator.rs"]
mod allocator;
mod api;
mod api_access;
mod api_reports;
mod attacks;
mod building;
mod clients;
mod conflict;
mod documented;
mod failing;
mod file_health;
mod filled;
mod forms;
mod freed_memory;
mod generated_client;
mod health;
mod hooked;
mod hosts;
mod idempotency;
mod issue;
mod kept;
mod keys;
mod openapi;
mod page_sizes;
mod paging;
mod safety;
mod self_service;
mod self_service_limits;
mod sessions;
mod sign_in;
mod states;
mod support;
mod unknown_outcome;
mod usage;
mod uses;
