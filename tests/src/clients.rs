//! Everybody who calls the gateways, wherever they are at the moment, and minds what they are told.

use std::sync::Arc;

use sillok_gateway::{
    keys::{AccessToken, SignedQueries},
    server::Addresses,
    service::RequestState,
};
use tokio::sync::{Mutex, watch};

use crate::{
    call::{Caller, Face},
    patience::{PATIENCE, Patience},
    refusal::{Failed, Refusal},
    school::Teacher,
    told::Told,
};

/// Callers of one gateway. Cheap to clone: every clone minds the same answers.
#[derive(Clone)]
pub struct Clients {
    face: Face,
    at: watch::Receiver<Option<Addresses>>,
    told: Arc<Mutex<Told>>,
}

impl Clients {
    /// Callers through this face, of the gateway that is at these addresses at the moment.
    pub fn new(face: Face, at: watch::Receiver<Option<Addresses>>, told: Arc<Mutex<Told>>) -> Self {
        Self { face, at, told }
    }

    /// What they were told.
    pub fn told(&self) -> &Mutex<Told> {
        &self.told
    }

    /// The same memory, for callers of another gateway.
    pub fn share(&self) -> Arc<Mutex<Told>> {
        self.told.clone()
    }

    /// The gateway as the holder of `access` sees it; none while no gateway serves.
    pub fn caller(&self, access: AccessToken) -> Option<Caller> {
        self.at.borrow().as_ref().map(|addresses| Caller::new(self.face, addresses, access))
    }

    /// Sends a signed request until there is an answer; it is done. As a client that minds the answer does, it sends
    /// the same again where there is none, or where the refusal says that this may help.
    pub async fn send(&self, teacher: &Teacher, signed: &SignedQueries) -> RequestState {
        let patience = Patience::new(PATIENCE, "the gateway answers");
        let state = loop {
            match self.attempt(teacher, signed).await {
                Some(Ok(state)) => break state,
                Some(Err(Failed::Refused(refusal))) if !refusal.retry => panic!("refused: {refusal:?}"),
                _ => patience.pause().await,
            }
        };
        self.told.lock().await.done(&teacher.school, signed, &state);
        state
    }

    /// None while no gateway serves.
    async fn attempt(
        &self,
        teacher: &Teacher,
        signed: &SignedQueries,
    ) -> Option<Result<RequestState, Failed>> {
        let caller = self.caller(teacher.access())?;
        Some(caller.submit(signed).await)
    }

    /// Tries to have a request done, once. Without an answer, nothing is known.
    pub async fn try_once(&self, teacher: &Teacher, signed: &SignedQueries) -> Result<RequestState, Failed> {
        let caller = self.caller(teacher.access()).expect("a gateway serves");
        let answer = caller.submit(signed).await;
        let mut told = self.told.lock().await;
        match &answer {
            Ok(state) => told.done(&teacher.school, signed, state),
            Err(Failed::Refused(refusal)) => told.refused(signed, refusal.clone()),
            Err(Failed::Unanswered(_)) => {}
        }
        answer
    }

    /// Both faces refuse a signed request with this code.
    pub async fn refuses(&self, teacher: &Teacher, signed: &SignedQueries, code: &str) -> Refusal {
        let caller = self.caller(teacher.access()).expect("a gateway serves");
        let refusal = caller.refusal(signed).await;
        assert_eq!(refusal.code, code, "G12: {refusal:?}");
        self.told.lock().await.refused(signed, refusal.clone());
        refusal
    }
}
