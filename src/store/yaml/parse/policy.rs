use super::fields::Fields;
use super::values::parsed;
use crate::manage::{Policy, Span};
use crate::store::yaml::events::Events;
use crate::store::yaml::load_error::{LoadError, LoadErrorKind};
use crate::store::yaml::node::Node;

#[derive(Clone, Copy)]
pub(super) enum PolicyField {
    MaxLifetime,
    DefaultLifetime,
    RequireExpiry,
}

pub(super) const POLICY: Fields<PolicyField> = Fields {
    known: &[
        ("max_lifetime", PolicyField::MaxLifetime),
        ("default_lifetime", PolicyField::DefaultLifetime),
        ("require_expiry", PolicyField::RequireExpiry),
    ],
    fallback: "max_lifetime",
    hint: "a policy has `max_lifetime`, `default_lifetime` and `require_expiry`",
};

pub(super) fn policy(value: &Node<'_>, events: &mut Events<'_>) -> Result<Policy, LoadError> {
    let start = value.position;
    value.mapping("a mapping", "write it as `{max_lifetime: 365d, require_expiry: true}`")?;
    let (mut policy, mut seen) = (Policy::new(), POLICY.seen());
    while let Some((field, value)) = events.pair("the name of a field", POLICY.hint)? {
        match seen.field(field)? {
            PolicyField::MaxLifetime => policy.max_lifetime = Some(span(value)?),
            PolicyField::DefaultLifetime => policy.default_lifetime = Some(span(value)?),
            PolicyField::RequireExpiry => policy.require_expiry = value.boolean()?,
        }
    }
    policy.validate().map_err(|error| LoadErrorKind::Policy(error).at(start))?;
    Ok(policy)
}

fn span(value: Node<'_>) -> Result<Span, LoadError> {
    parsed(value, "a lifetime", "write it as `365d`", LoadErrorKind::Policy)
}
