//! The service `sillok.v1.DeadLetters`: each operation reads its message, asks the service, answers.

use sillok_proto::gateway::{
    DeadLetter, DiscardDeadLetterRequest, GetDeadLetterRequest, ListDeadLettersReply, ListDeadLettersRequest,
    ReplayDeadLetterRequest, dead_letters_server::DeadLetters,
};
use tonic::{Request, Response, Status};

use super::{
    Grpc,
    message::{self, json},
    problem::status,
};
use crate::{
    problem::Problem,
    server::dead_letters_wanted,
    service::{DeadLetterDiscard, DeadLetterState},
};

type Answer<T> = Result<Response<T>, Status>;

fn letter(state: &DeadLetterState) -> DeadLetter {
    DeadLetter { json: json(state) }
}

impl Grpc {
    async fn letters_of(
        &self,
        request: Request<ListDeadLettersRequest>,
    ) -> Result<ListDeadLettersReply, Problem> {
        let caller = self.caller(&request).await?;
        let ListDeadLettersRequest { after, limit, group, topic } = request.into_inner();
        let limit = message::limit(limit, 100)?;
        let wanted = dead_letters_wanted(after, limit, Some(&group), Some(&topic))?;
        let letters = self.service.dead_letters(&caller, wanted).await?;
        Ok(ListDeadLettersReply { dead_letters: letters.iter().map(letter).collect() })
    }

    async fn letter_of(&self, request: Request<GetDeadLetterRequest>) -> Result<DeadLetter, Problem> {
        let caller = self.caller(&request).await?;
        Ok(letter(&self.service.dead_letter(&caller, request.get_ref().id).await?))
    }

    async fn letter_replayed(
        &self,
        request: Request<ReplayDeadLetterRequest>,
    ) -> Result<DeadLetter, Problem> {
        let caller = self.caller(&request).await?;
        Ok(letter(&self.service.replay_dead_letter(&caller, request.get_ref().id).await?))
    }

    async fn letter_discarded(
        &self,
        request: Request<DiscardDeadLetterRequest>,
    ) -> Result<DeadLetter, Problem> {
        let caller = self.caller(&request).await?;
        let DiscardDeadLetterRequest { id, reason } = request.into_inner();
        let asked = DeadLetterDiscard { reason };
        Ok(letter(&self.service.discard_dead_letter(&caller, id, asked).await?))
    }
}

#[tonic::async_trait]
impl DeadLetters for Grpc {
    async fn list_dead_letters(
        &self,
        request: Request<ListDeadLettersRequest>,
    ) -> Answer<ListDeadLettersReply> {
        self.letters_of(request).await.map(Response::new).map_err(status)
    }

    async fn get_dead_letter(&self, request: Request<GetDeadLetterRequest>) -> Answer<DeadLetter> {
        self.letter_of(request).await.map(Response::new).map_err(status)
    }

    async fn replay_dead_letter(&self, request: Request<ReplayDeadLetterRequest>) -> Answer<DeadLetter> {
        self.letter_replayed(request).await.map(Response::new).map_err(status)
    }

    async fn discard_dead_letter(&self, request: Request<DiscardDeadLetterRequest>) -> Answer<DeadLetter> {
        self.letter_discarded(request).await.map(Response::new).map_err(status)
    }
}
