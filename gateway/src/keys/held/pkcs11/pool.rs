//! Sessions with a token: opened as they are needed, kept, and opened anew where the token was away.
//!
//! A module is begun once a process. When it is begun anew, all sessions of before are void, and the numbers they went by
//! are given to new ones: so each bears the generation that it is of, and one of before is forgotten, never closed.

use std::{
    fs,
    sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, Instant},
};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    session::{Session, UserType},
    slot::Slot,
    types::AuthPin,
};
use p256::elliptic_curve::zeroize::Zeroizing;

use super::failure::Failure;
use crate::keys::held::{HeldError, Pkcs11Settings, Result};

/// How often a call is made that the token's going away cut short.
const TRIES: u32 = 4;

pub(super) struct Pool {
    settings: Pkcs11Settings,
    module: Pkcs11,
    /// Held for writing by who begins the module anew: its own calls must not be in it then.
    calls: RwLock<()>,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    generation: u64,
    free: Vec<Session>,
    /// Sessions of this generation, in use or free.
    open: usize,
}

/// A session in use. What becomes of it is decided by who has it.
struct Taken {
    session: Session,
    generation: u64,
}

impl Pool {
    pub(super) fn open(settings: &Pkcs11Settings) -> Result<Self> {
        let module = Pkcs11::new(&settings.module).map_err(|error| {
            HeldError::Setting(format!("pkcs11.module: {}: {error}", settings.module.display()))
        })?;
        begin(&module).map_err(Failure::into_error)?;
        let settings = settings.clone();
        Ok(Self { settings, module, calls: RwLock::new(()), state: Mutex::default(), freed: Condvar::new() })
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
        let (generation, done) = {
            let _calling = self.calls.read().unwrap_or_else(PoisonError::into_inner);
            match self.take() {
                Ok(taken) => self.call(taken, call),
                Err((generation, failure)) => (generation, Err(failure)),
            }
        };
        match &done {
            Err(Failure::Module(_)) => self.begin_anew(generation)?,
            Err(Failure::Session(_)) => self.renew(generation),
            _ => {}
        }
        done
    }

    fn call<T>(
        &self,
        taken: Taken,
        call: impl FnOnce(&Session) -> std::result::Result<T, Failure>,
    ) -> (u64, std::result::Result<T, Failure>) {
        let (generation, done) = (taken.generation, call(&taken.session));
        if !matches!(done, Err(Failure::Module(_) | Failure::Session(_))) {
            self.give_back(taken);
        }
        (generation, done)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> std::result::Result<Taken, (u64, Failure)> {
        let until = Instant::now() + Duration::from_millis(self.settings.wait_ms);
        let mut state = self.state();
        loop {
            let generation = state.generation;
            if let Some(session) = state.free.pop() {
                return Ok(Taken { session, generation });
            }
            if state.open < self.settings.sessions.max(1) {
                state.open += 1;
                drop(state);
                return match self.log_in() {
                    Ok(session) => Ok(Taken { session, generation }),
                    Err(failure) => {
                        self.not_opened(generation);
                        Err((generation, failure))
                    }
                };
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let busy = "all sessions with the token are in use".to_owned();
                return Err((generation, Failure::Final(HeldError::Unavailable(busy))));
            }
            state = self.freed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn not_opened(&self, generation: u64) {
        let mut state = self.state();
        if state.generation == generation {
            state.open -= 1;
        }
        self.freed.notify_one();
    }

    fn give_back(&self, taken: Taken) {
        let mut state = self.state();
        if taken.generation == state.generation {
            state.free.push(taken.session);
        }
        self.freed.notify_one();
    }

    /// Forgets the sessions of this generation.
    fn renew(&self, generation: u64) {
        let mut state = self.state();
        if state.generation == generation {
            *state = State { generation: generation + 1, ..State::default() };
        }
        self.freed.notify_all();
    }

    /// Begins the module anew, unless another call has since.
    fn begin_anew(&self, generation: u64) -> std::result::Result<(), Failure> {
        let _alone = self.calls.write().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state();
        if state.generation == generation {
            *state = State { generation: generation + 1, ..State::default() };
            // It may have ended already.
            let _ = self.module.clone().finalize();
            begin(&self.module)?;
        }
        self.freed.notify_all();
        Ok(())
    }

    /// A new session, logged in: a token's login holds for all sessions of the process, until the last is closed.
    fn log_in(&self) -> std::result::Result<Session, Failure> {
        let session = self.module.open_rw_session_no_drop(self.slot()?)?;
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
        for slot in self.module.get_slots_with_initialized_token()? {
            if self.module.get_token_info(slot)?.label().trim_end() == self.settings.token {
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

fn begin(module: &Pkcs11) -> std::result::Result<(), Failure> {
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
