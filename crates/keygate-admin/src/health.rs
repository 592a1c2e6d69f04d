/// Reports the state of the managed store, for the page. The tool implements it for its stores.  (owner: insight)
pub trait StoreHealth: Send + Sync {
    fn report(&self) -> HealthFuture<'_>;
}
