pub use crate::store::record_store_metrics;
