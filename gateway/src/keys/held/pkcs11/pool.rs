//! Sessions with a token: opened as they are needed, kept, and opened anew where the token was away. One that is void is
//! forgotten, never closed: its number may be another's by now.

use std::{
    fs,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use cryptoki::{
    error::{Error, RvError},
    session::{Session, UserType},
    slot::Slot,
    types::AuthPin,
};
use p256::elliptic_curve::zeroize::Zeroizing;

use super::{failure::Failure, module::Module};
use crate::keys::held::{HeldError, Pkcs11Settings, Result};

/// How often a call is made that the token's going away cut short.
const TRIES: u32 = 4;

pub(super) struct Pool {
    settings: Pkcs11Settings,
    module: Arc<Module>,
    state: Mutex<State>,
    freed: Condvar,
}

/// Of which time a session is: the module's generation, and this pool's own within it.
type Age = (u64, u64);

#[derive(Default)]
struct State {
    age: Age,
    free: Vec<Session>,
    /// Sessions of this age, in use or free.
    open: usize,
}

/// A session in use. What becomes of it is decided by who has it.
struct Taken {
    session: Session,
    age: Age,
}

impl Pool {
    pub(super) fn open(settings: &Pkcs11Settings) -> Result<Self> {
        let (module, settings) = (Module::load(&settings.module)?, settings.clone());
        Ok(Self { settings, module, state: Mutex::default(), freed: Condvar::new() })
    }

    /// Does this with a session, and again with a new one where the token went away.
    pub(super) fn run<T>(
        &self,
        mut call: impl FnMut(&Session) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        for _ in 1..TRIES {
            match self.attempt(&mut call) {
                Err(Failure::Session(_) | Failure::Module(_)) => {}
                done => return done.map_err(Failure::into_error),
            }
        }
        self.run_once(call)
    }

    /// Does this once.
    pub(super) fn run_once<T>(
        &self,
        call: impl FnOnce(&Session) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        self.attempt(call).map_err(Failure::into_error)
    }

    fn attempt<T>(
        &self,
        call: impl FnOnce(&Session) -> std::result::Result<T, Failure>,
    ) -> std::result::Result<T, Failure> {
        let calling = self.module.calling();
        let generation = *calling;
        let (age, done) = match self.take(generation) {
            Ok(taken) => self.call(taken, call),
            Err((age, failure)) => (age, Err(failure)),
        };
        drop(calling);
        match &done {
            Err(Failure::Module(_)) => self.module.begin_anew(generation)?,
            Err(Failure::Session(_)) => self.renew(age),
            _ => {}
        }
        done
    }

    fn call<T>(
        &self,
        taken: Taken,
        call: impl FnOnce(&Session) -> std::result::Result<T, Failure>,
    ) -> (Age, std::result::Result<T, Failure>) {
        let (age, done) = (taken.age, call(&taken.session));
        match done {
            Err(Failure::Module(_) | Failure::Session(_)) => self.forget_one(age),
            _ => self.give_back(taken),
        }
        (age, done)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, generation: u64) -> std::result::Result<Taken, (Age, Failure)> {
        let until = Instant::now() + Duration::from_millis(self.settings.wait_ms);
        let mut state = self.state();
        loop {
            if state.age.0 != generation {
                *state = State { age: (generation, 0), ..State::default() };
            }
            let age = state.age;
            if let Some(session) = state.free.pop() {
                return Ok(Taken { session, age });
            }
            if state.open < self.settings.sessions.max(1) {
                state.open += 1;
                drop(state);
                return self.log_in().map(|session| Taken { session, age }).map_err(|failure| {
                    self.forget_one(age);
                    (age, failure)
                });
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let busy = "all sessions with the token are in use".to_owned();
                return Err((age, Failure::Final(HeldError::Unavailable(busy))));
            }
            state = self.freed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// One less is open: who waits for it opens another.
    fn forget_one(&self, age: Age) {
        let mut state = self.state();
        if state.age == age {
            state.open -= 1;
        }
        self.freed.notify_one();
    }

    fn give_back(&self, taken: Taken) {
        let mut state = self.state();
        if taken.age == state.age {
            state.free.push(taken.session);
        }
        self.freed.notify_one();
    }

    /// Forgets the sessions of this age.
    fn renew(&self, age: Age) {
        let mut state = self.state();
        if state.age == age {
            *state = State { age: (age.0, age.1 + 1), ..State::default() };
        }
        self.freed.notify_all();
    }

    /// A new session, logged in: a token's login holds for all sessions of the process, until the last is closed.
    fn log_in(&self) -> std::result::Result<Session, Failure> {
        let session = self.module.pkcs11.open_rw_session_no_drop(self.slot()?)?;
        match session.login(UserType::User, Some(&self.pin()?)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(error) => {
                let _ = session.close();
                Err(error.into())
            }
        }
    }

    /// Where the token is now: its slot may change.
    fn slot(&self) -> std::result::Result<Slot, Failure> {
        for slot in self.module.pkcs11.get_slots_with_initialized_token()? {
            if self.module.pkcs11.get_token_info(slot)?.label().trim_end() == self.settings.token {
                return Ok(slot);
            }
        }
        Err(Failure::Module(HeldError::Unavailable(format!("there is no token {:?}", self.settings.token))))
    }

    fn pin(&self) -> std::result::Result<AuthPin, Failure> {
        let file = &self.settings.pin_file;
        let text = fs::read_to_string(file).map(Zeroizing::new).map_err(|error| {
            Failure::Final(HeldError::Setting(format!("pkcs11.pin_file: {}: {error}", file.display())))
        })?;
        Ok(AuthPin::from(text.lines().next().unwrap_or_default()))
    }
}
