use std::fmt;
use std::marker::PhantomData;

use http::Response;

use super::Respond;
use crate::error::AuthError;

/// The responses of `R` with converted bodies, made by [`Respond::map_body`].
pub struct MapBody<R, F, B> {
    respond: R,
    map: F,
    from: PhantomData<fn(B)>,
}

impl<R, F, B> MapBody<R, F, B> {
    pub(super) fn new(respond: R, map: F) -> Self {
        Self { respond, map, from: PhantomData }
    }
}

impl<R, F, B, C> Respond<C> for MapBody<R, F, B>
where
    R: Respond<B>,
    F: Fn(B) -> C,
{
    fn respond(&self, error: &AuthError) -> Response<C> {
        self.respond.respond(error).map(&self.map)
    }
}

impl<R: Clone, F: Clone, B> Clone for MapBody<R, F, B> {
    fn clone(&self) -> Self {
        Self { respond: self.respond.clone(), map: self.map.clone(), from: PhantomData }
    }
}

impl<R: fmt::Debug, F, B> fmt::Debug for MapBody<R, F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MapBody").field(&self.respond).finish_non_exhaustive()
    }
}
