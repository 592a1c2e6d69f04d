use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::random;

/// A code works for this time.
const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// Between two codes is at least this time.
const PAUSE: Duration = Duration::from_secs(60);

/// The one-time code that signs in on loopback: see [`Admin::with_sign_in_code`](crate::Admin::with_sign_in_code).
///
/// A code is a word of ten characters, and works once within ten minutes. The first one is printed by
/// [`Admin::build`](crate::Admin::build). Once it was used or has expired, opening the form at `/sign-in` prints another
/// one, at most once a minute. Upper and lower case do not matter.
///
/// ```
/// use keygate_admin::SignInCode;
///
/// let code = SignInCode::new(|code| println!("Sign-in code: {code}")).for_operator("ann");
/// ```
pub struct SignInCode {
    operator: Arc<str>,
    print: Box<dyn Fn(&str) + Send + Sync>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<Current>,
    printed: Option<SystemTime>,
}

struct Current {
    word: Zeroizing<String>,
    since: SystemTime,
}

/// What the form says about the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeState {
    /// No code signs in here.
    None,
    /// A code that works was printed.
    Printed,
    /// The next one can be printed after this time.
    Later(Duration),
}

impl SignInCode {
    /// A code that is printed by this function, for people who can read the output of the process. It should go to the
    /// terminal, and not into logs that others read.
    pub fn new(print: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { operator: "operator".into(), print: Box::new(print), state: Mutex::default() }
    }

    /// Names who signs in by the code, for the events of the store; without it, `operator`.
    #[must_use]
    pub fn for_operator(self, name: &str) -> Self {
        Self { operator: name.into(), ..self }
    }

    /// Prints a new code if there is none that works, and the last one was printed long enough ago.
    pub(crate) fn renew(&self, now: SystemTime) -> CodeState {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.current.as_ref().is_some_and(|current| current.works(now)) {
            return CodeState::Printed;
        }
        state.current = None;
        if let Some(printed) = state.printed {
            let passed = now.duration_since(printed).unwrap_or(PAUSE);
            if let Some(wait) = PAUSE.checked_sub(passed).filter(|wait| !wait.is_zero()) {
                return CodeState::Later(wait);
            }
        }
        // Without randomness there is no code, and the form can be opened again.
        let Ok(word) = random::word() else { return CodeState::Later(PAUSE) };
        let word = Zeroizing::new(word);
        state.printed = Some(now);
        state.current = Some(Current { word: word.clone(), since: now });
        drop(state);
        (self.print)(&word);
        CodeState::Printed
    }

    /// Uses the code up if this is the one, and returns the name of the operator.
    pub(crate) fn take(&self, typed: &str, now: SystemTime) -> Option<Arc<str>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let current = state.current.as_ref().filter(|current| current.works(now))?;
        let typed = Zeroizing::new(typed.to_ascii_lowercase());
        if !bool::from(current.word.as_bytes().ct_eq(typed.as_bytes())) {
            return None;
        }
        state.current = None;
        Some(Arc::clone(&self.operator))
    }
}

impl Current {
    fn works(&self, now: SystemTime) -> bool {
        // A clock that was set back makes no code last longer.
        now.duration_since(self.since).is_ok_and(|age| age < LIFETIME)
    }
}

impl fmt::Debug for SignInCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInCode").field("operator", &self.operator).finish_non_exhaustive()
    }
}
