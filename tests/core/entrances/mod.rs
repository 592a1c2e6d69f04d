//! Every entrance gives the same response to the same request.

mod agreement;
mod cases;
mod expiry;
mod foreign;
mod format;
mod networks;
mod open;
mod responses;
mod revalidating;
mod tls;
