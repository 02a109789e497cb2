//! Dead letters. For the offices' people.

use reqwest::Method;
use serde::Deserialize;

use super::{Client, ClientError, read};
use crate::service::{DeadLetterDiscard, DeadLetterState, DeadLettersWanted};

/// A page of dead letters.
#[derive(Deserialize)]
struct DeadLetters {
    dead_letters: Vec<DeadLetterState>,
}

impl Client {
    /// A page of the events that were put aside, without their contents.
    pub async fn dead_letters(
        &self,
        wanted: &DeadLettersWanted,
    ) -> Result<Vec<DeadLetterState>, ClientError> {
        let mut url = self.url("v1/dead-letters")?;
        let DeadLettersWanted { after, limit, group, topic } = wanted;
        let mut query = url.query_pairs_mut();
        query.append_pair("after", &after.to_string());
        if *limit > 0 {
            query.append_pair("limit", &limit.to_string());
        }
        if let Some(group) = group {
            query.append_pair("group", group.as_str());
        }
        if let Some(topic) = topic {
            query.append_pair("topic", topic.name());
        }
        drop(query);
        let page: DeadLetters = read(self.call(Method::GET, url).await?).await?;
        Ok(page.dead_letters)
    }

    /// A dead letter, with what was put aside.
    pub async fn dead_letter(&self, id: i64) -> Result<DeadLetterState, ClientError> {
        read(self.get(&format!("v1/dead-letters/{id}")).await?).await
    }

    /// Has a dead letter handled once more.
    pub async fn replay_dead_letter(&self, id: i64) -> Result<DeadLetterState, ClientError> {
        read(self.post(&format!("v1/dead-letters/{id}/replay")).await?).await
    }

    /// Takes a dead letter away unhandled.
    pub async fn discard_dead_letter(
        &self,
        id: i64,
        asked: &DeadLetterDiscard,
    ) -> Result<DeadLetterState, ClientError> {
        read(self.send(&format!("v1/dead-letters/{id}/discard"), asked).await?).await
    }
}
