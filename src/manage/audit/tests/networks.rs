//! Keys that may be used from nowhere, since their client has lost their networks.

use super::*;

fn client(network: &str) -> ClientInfo {
    let quota = "9/day".parse().unwrap();
    let network = network.parse().unwrap();
    ClientInfo::new(ClientProfile::new("App 1").with_quota(quota).with_networks([network]))
}

fn restricted(network: &str) -> KeyInfo {
    key(|key| key.networks = vec![network.parse().unwrap()])
}

#[test]
fn key_that_may_be_used_from_nowhere_does_not_work() {
    let moved = client("192.168.0.0/16");
    let found = |client: &ClientInfo, keys: &[KeyInfo]| -> Vec<_> {
        let findings = Audit::new().findings(std::slice::from_ref(client), keys, UNIX_EPOCH + NOW);
        findings.into_iter().map(|finding| (finding.kind, finding.key_id)).collect()
    };
    let dead = restricted("10.1.0.0/16");
    let nowhere = (AuditKind::NoNetworks, Some(dead.key_id));
    let no_keys = (AuditKind::NoKeys, None);
    assert_eq!(found(&moved, std::slice::from_ref(&dead)), [no_keys, nowhere]);
    for works in [key(|_| {}), restricted("192.168.1.0/24"), restricted("192.0.0.0/8")] {
        assert_eq!(found(&moved, std::slice::from_ref(&works)), [], "{:?}", works.networks);
        assert_eq!(found(&moved, &[dead.clone(), works]), [nowhere]);
    }
    assert_eq!(found(&client("10.0.0.0/8"), std::slice::from_ref(&dead)), []);
    let mut disabled = dead;
    disabled.state = KeyState::Disabled;
    assert_eq!(found(&ClientInfo { enabled: false, ..moved }, &[disabled]), []);
}

#[test]
fn successor_that_may_be_used_from_nowhere_does_not_work() {
    let client = client("192.168.0.0/16");
    let successor: KeyId = "08c1d5e2f3a4b596".parse().unwrap();
    let old = key(|key| (key.replaced_by, key.last_used) = (Some(successor), LastUsed::Never));
    let audit = Audit::new().with_unused_for(250 * DAY);
    let audit = audit.with_watched(days_ago(50)..UNIX_EPOCH + NOW);
    let is_used = |network: &str| {
        let mut new = restricted(network);
        (new.key_id, new.created) = (successor, Some(days_ago(5)));
        let is_used = audit.is_still_used(&old, &new, &client.profile, UNIX_EPOCH + NOW);
        let clients = std::slice::from_ref(&client);
        let findings = audit.findings(clients, &[old.clone(), new], UNIX_EPOCH + NOW);
        let is_found = findings.iter().any(|it| it.kind == AuditKind::ReplacedAndUnused);
        assert_eq!(is_found, is_used == Some(false));
        is_used
    };
    assert_eq!(is_used("192.168.1.0/24"), Some(false));
    assert_eq!(is_used("10.1.0.0/16"), None);
}
