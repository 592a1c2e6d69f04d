use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::random;

/// How long a code works.
const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// The minimum time between two codes.
const PAUSE: Duration = Duration::from_secs(60);

/// The one-time code that signs in on loopback: see [`Admin::with_sign_in_code`](crate::Admin::with_sign_in_code).
///
/// A code is a word of ten characters. It works once, for ten minutes, in upper or lower case.
/// [`Admin::build`](crate::Admin::build) prints the first code. When the last code was used or has expired, opening the
/// form at `/sign-in` prints a new one, at most once a minute.
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

/// The state of the code, as the form shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeState {
    /// Sign-in by code is not set up.
    None,
    /// A code was printed and is valid.
    Printed,
    /// The next code can be printed after this time.
    Later(Duration),
}

impl SignInCode {
    /// Creates a sign-in code. `print` shows a new code to whoever can read the process's output. It should write to
    /// the terminal, and not to logs that others can read.
    pub fn new(print: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { operator: "operator".into(), print: Box::new(print), state: Mutex::default() }
    }

    /// Sets the operator's name that the store's events record. The default is `operator`.
    #[must_use]
    pub fn for_operator(self, name: &str) -> Self {
        Self { operator: name.into(), ..self }
    }

    /// Prints a new code if no code is valid and the last one was printed long enough ago.
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
        // If the random number generator failed, opening the form again retries.
        let Ok(word) = random::word() else { return CodeState::Later(PAUSE) };
        let word = Zeroizing::new(word);
        state.printed = Some(now);
        state.current = Some(Current { word: word.clone(), since: now });
        drop(state);
        (self.print)(&word);
        CodeState::Printed
    }

    /// Uses up the code if `typed` matches it, and returns the operator's name.
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
        // Setting the clock back does not extend a code's life.
        now.duration_since(self.since).is_ok_and(|age| age < LIFETIME)
    }
}

impl fmt::Debug for SignInCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInCode").field("operator", &self.operator).finish_non_exhaustive()
    }
}
