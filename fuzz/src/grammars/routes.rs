use http::Method;
use keygate::{Client, ClientProfile, RouteScopes, Scope};

/// The path of a request, and paths of routes on the lines after it.
pub(super) fn routes(text: &str) {
    let mut lines = text.split('\n');
    let path = lines.next().unwrap_or_default();
    let mut table = RouteScopes::new();
    let mut routes: Vec<(&str, Client)> = Vec::new();
    for (route, number) in lines.take(16).zip(0..) {
        let scope: Scope = format!("route:{number}").parse().expect("a scope");
        let Ok(added) = table.clone().require(Method::GET, route, scope.clone()) else { continue };
        assert!(added.lists(&Method::GET, route) && !added.lists(&Method::POST, route));
        let client = Client::for_test(ClientProfile::new("App 1").with_scopes([scope]));
        (table, routes) = (added, [routes, vec![(route, client)]].concat());
    }
    let admitting = |method| -> Vec<&str> {
        let admitted = routes.iter().filter(|(_, client)| {
            let checked = table.check_path(client, &method, path);
            let said = checked.as_ref().err().map(|error| format!("{error} {error:?}"));
            let is_shown = path.len() > 8
                && path.starts_with('/')
                && said.is_some_and(|said| said.contains(path));
            assert!(!is_shown, "the path is shown: {path}");
            checked.is_ok()
        });
        admitted.map(|(route, _)| *route).collect()
    };
    let admitted = admitting(Method::GET);
    assert_eq!(admitting(Method::HEAD), admitted);
    assert!(admitted.len() < 2 && admitting(Method::POST).is_empty(), "{path}: {admitted:?}");

    let routes: Vec<_> = routes.iter().map(|(route, _)| *route).collect();
    let matched = |segments: &[Vec<u8>]| {
        let split = routes.iter().map(|route| (*route, route.split('/').skip(1).collect()));
        matched(&split.collect::<Vec<_>>(), segments)
    };
    if let Some(route) = admitted.first() {
        // However a server resolves the path, it leads to this route.
        for segments in readings(path) {
            assert_eq!(matched(&segments), Some(*route), "{path}: {segments:?}");
        }
    } else if is_plain(path) {
        assert_eq!(matched(&readings(path)[0]), None, "{path}");
    }
}

/// A path that no server changes.
fn is_plain(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-~:@".contains(&byte);
    path.starts_with('/') && !path.contains("//") && path.bytes().all(is_plain)
}

/// The segments as sent, those of a server that decodes each segment, and those of servers that decode the whole path,
/// once or twice, before they resolve it.
fn readings(path: &str) -> [Vec<Vec<u8>>; 4] {
    let sent: Vec<Vec<u8>> = path.split('/').skip(1).map(|text| text.as_bytes().into()).collect();
    let each = sent.iter().map(|segment| decoded(segment)).collect();
    let once = decoded(path.as_bytes());
    [sent, each, resolved(&once), resolved(&decoded(&once))]
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = text;
    while let [first, behind @ ..] = rest {
        let digits = behind.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if *first == b'%' => {
                decoded.push(byte);
                rest = &behind[2..];
            }
            _ => {
                decoded.push(*first);
                rest = behind;
            }
        }
    }
    decoded
}

/// The segments, with backslashes read as slashes, and without empty and dot segments.
fn resolved(path: &[u8]) -> Vec<Vec<u8>> {
    let mut segments = Vec::new();
    let mut all = path.split(|byte| b"/\\".contains(byte)).skip(1).peekable();
    while let Some(segment) = all.next() {
        match segment {
            b"" | b"." if all.peek().is_some() => {}
            b".." => drop(segments.pop()),
            _ => segments.push(segment.to_vec()),
        }
    }
    segments
}

/// The route of a router that tries literal segments first, then parameters, then the rest.
fn matched<'a>(routes: &[(&'a str, Vec<&str>)], segments: &[Vec<u8>]) -> Option<&'a str> {
    // Without this limit, a path of many segments takes forever.
    if routes.is_empty() {
        return None;
    }
    let Some((segment, behind)) = segments.split_first() else {
        return routes.iter().find(|(_, left)| left.is_empty()).map(|(route, _)| *route);
    };
    let those = |takes: &dyn Fn(&str) -> bool| -> Vec<_> {
        let taken = routes.iter().filter(|(_, left)| left.first().is_some_and(|next| takes(next)));
        taken.map(|(route, left)| (*route, left[1..].to_vec())).collect()
    };
    // A segment of a request may be written as a parameter.
    let is_literal = |next: &str| next.as_bytes() == segment && !next.starts_with('{');
    let literal = matched(&those(&is_literal), behind);
    let is_any = |next: &str| next.starts_with('{') && !next.starts_with("{*");
    let any = || matched(&those(&is_any), behind);
    let rest = || those(&|next| next.starts_with("{*")).first().map(|(route, _)| *route);
    let is_empty = segment.is_empty();
    literal.or_else(|| if is_empty { None } else { any().or_else(rest) })
}
