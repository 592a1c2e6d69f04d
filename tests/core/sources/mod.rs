//! The places in which a request may carry its key, whatever else it carries.

mod challenging;
mod configuring;
mod every;
mod hostile;
mod prefixed;
mod reading;
mod stripping;
mod writing;
