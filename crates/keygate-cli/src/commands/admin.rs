//! Serves the admin page until it is interrupted.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use keygate::{Authenticator, ManageKeys};
use keygate_admin::{Admin, AdminConfigError, AdminService, SignInCode};
use serde_json::json;
use tokio::net::TcpListener;

use crate::actor::actor;
use crate::args::{AdminArgs, Globals};
use crate::failure::Failure;
use crate::history;
use crate::output::Output;
use crate::runtime::block_on;
use crate::store::{self, Store};

mod caller;
mod health;
mod operators;

use caller::Caller;
use health::ManagedHealth;

/// How long running requests may take to finish after the interruption.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

pub(super) fn run(args: AdminArgs, globals: &Globals, out: &Output) -> Result<(), Failure> {
    check(&args, globals, out)?;
    let managed = store::open_to_serve(&globals.location()?, globals, out, true)?;
    let caller = Caller::new(&args)?;
    let operators = args.admins.as_ref().map(|admins| {
        let store = operators::open(admins, &managed, globals, out)?;
        operators::authenticator(store, &caller)
    });
    let operators = operators.transpose()?;
    let listen = args.listen;
    let listener = block_on(TcpListener::bind(listen)).map_err(|error| {
        Failure::unavailable(format!(
            "cannot listen on {listen} ({error}): choose another address with --listen"
        ))
    })?;
    // With port 0, the system chooses a free port.
    let address = listener.local_addr().unwrap_or(listen);
    let admin = configured(args, address, managed, operators, caller, globals, out)?;
    block_on(serve(listener, admin))
}

/// Refuses contradictory options before anything is opened.
fn check(args: &AdminArgs, globals: &Globals, out: &Output) -> Result<(), Failure> {
    let refuse = |why: &str| Err(Failure::usage(why));
    if out.is_dry_run() {
        return refuse(
            "`keygate admin` has no dry run: the page shows the effect of each change before it is made",
        );
    }
    if !args.listen.ip().is_loopback() && args.public_url.is_none() {
        return refuse(
            "an address that is not on loopback needs TLS in front of it: give --public-url https://HOST, the page's \
             URL, or listen on 127.0.0.1",
        );
    }
    match &args.admins {
        None if args.public_url.is_some() => refuse(
            "with --public-url, operators sign in with keys: give --admins STORE, whose clients have the scope admin \
             or read",
        ),
        None if args.api => refuse(
            "the API needs operators' keys: give --admins STORE, whose clients have the scope admin or read",
        ),
        Some(admins) if operators::is_managed(admins, &globals.location()?)? => {
            Err(operators::managed())
        }
        _ => Ok(()),
    }
}

fn configured(
    args: AdminArgs,
    address: SocketAddr,
    managed: Arc<dyn Store>,
    operators: Option<Authenticator<Arc<dyn Store>>>,
    caller: Caller,
    globals: &Globals,
    out: &Output,
) -> Result<AdminService, Failure> {
    let refused = |error: AdminConfigError| Failure::usage(error);
    let health = ManagedHealth::new(Arc::clone(&managed), &globals.location()?, globals);
    let managed: Arc<dyn ManageKeys> = managed;
    let admin = Admin::new(managed).with_health(health).with_metrics(args.metrics);
    let mut admin = admin.map_err(|_| {
        Failure::usage(
            "--metrics must begin with https://, or with http:// on loopback, and contain no password; for example \
             http://127.0.0.1:9000/metrics",
        )
    })?;
    admin =
        admin.with_client_address(move |parts| caller.address(&parts.headers, &parts.extensions));
    let (shown, url) = if let Some(url) = &args.public_url {
        admin = admin.with_public_url(url).map_err(refused)?;
        let url = url.trim_end_matches('/');
        (format!("{url}/, served on {address}"), url.to_owned())
    } else {
        admin = admin.on_loopback(address).map_err(refused)?;
        (format!("http://{address}/"), format!("http://{address}"))
    };
    if let Some(usage) = history::open_if_kept(globals, out)? {
        admin = admin.with_usage(usage);
    }
    if let Some(prefix) = &args.prefix {
        admin = admin.with_key_prefix(prefix).map_err(refused)?;
    }
    if args.api {
        admin = admin.with_api();
    }
    if let Some(operators) = operators {
        admin = admin.with_operators(operators);
    }
    out.print(&format!("The page is at {shown}\n"), &json!({ "address": url }))?;
    if args.public_url.is_none() {
        let printed = out.clone();
        let code = SignInCode::new(move |code| print_code(&printed, code));
        admin = admin.with_sign_in_code(code.for_operator(&actor(globals.actor.as_deref())?));
    }
    admin.build().map_err(refused)
}

/// Prints the code to the same output as the address. If that fails, nobody can sign in with it, so a warning is
/// printed.
fn print_code(out: &Output, code: &str) {
    let printed = out.print(&format!("Sign-in code: {code}\n"), &json!({ "sign_in_code": code }));
    if let Err(failure) = printed {
        out.warn(&format!("the sign-in code is lost: {}", failure.message()));
    }
}

async fn serve(listener: TcpListener, admin: AdminService) -> Result<(), Failure> {
    let router = Router::new().fallback_service(admin);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let (stop, stopped) = tokio::sync::watch::channel(());
    let mut stopping = stopped.clone();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        let _ = stopping.changed().await;
    });
    let deadline = async move {
        interrupted().await?;
        drop(stop);
        tokio::time::sleep(LAST_ANSWERS).await;
        Ok(())
    };
    let result = tokio::select! {
        result = server => result,
        result = deadline => result,
    };
    result.map_err(|error| Failure::unavailable(format!("the page cannot be served ({error})")))
}

/// Waits for Ctrl-C, or for the signal with which service managers stop a process.
async fn interrupted() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
