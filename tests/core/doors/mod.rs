//! All doors onto the same corridor: whatever the request, they give the same answer.

mod agreement;
mod answers;
mod cases;
mod expiry;
mod format;
mod open;
