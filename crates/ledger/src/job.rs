//! A job as the ledger knows it.

use std::sync::Arc;

use domain::{ClientRef, ProjectId, Timestamp, named_enum};

/// Whose jobs a query speaks of. It is part of every query, never a check after it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The project.
    pub project_id: ProjectId,
    /// Only this client_ref's jobs; none: the whole project.
    pub client_ref: Option<ClientRef>,
}

impl Owner {
    /// Whether a job with this project and client_ref is among the owner's.
    pub fn owns(&self, project_id: ProjectId, client_ref: Option<&ClientRef>) -> bool {
        self.project_id == project_id
            && self.client_ref.as_ref().is_none_or(|wanted| Some(wanted) == client_ref)
    }
}

named_enum! {
    /// What the gateway knows of a job's life.
    JobState {
        /// It can be asked for.
        Live = "live",
        /// A client deleted it.
        Deleted = "deleted",
        /// The engine dropped it for its age.
        Expired = "expired",
        /// The engine doesn't know it any more, though nobody deleted it.
        Lost = "lost",
    }
}

/// What is known of a job without its object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFacts {
    /// The engine's id.
    pub id: Arc<str>,
    /// The project that made it.
    pub project_id: ProjectId,
    /// The client_ref that made it.
    pub client_ref: Option<ClientRef>,
    /// When it was made, by the ledger's clock. Two jobs never share it, except adopted ones.
    pub created_at: Timestamp,
    /// What the gateway knows of its life.
    pub state: JobState,
    /// The last status that the engine told.
    pub status: Option<Arc<str>>,
    /// Whether that status was final and everything about it is known.
    pub settled: bool,
}

/// A job with the last object that the engine told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The facts.
    pub facts: Arc<JobFacts>,
    /// The object, as JSON.
    pub object: Option<String>,
}

/// What an engine told of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Its status.
    pub status: String,
    /// Whether the status is final.
    pub settled: bool,
    /// The whole object, as JSON.
    pub object: String,
    /// Its duration.
    pub duration_seconds: Option<f64>,
    /// Its type, as in `transcription`.
    pub kind: Option<String>,
    /// Its language.
    pub language: Option<String>,
    /// Its model, also called operating point.
    pub model: Option<String>,
}
