//! Every entrance gives the same response to the same request.

mod agreement;
mod answers;
mod cases;
mod expiry;
mod format;
mod open;
