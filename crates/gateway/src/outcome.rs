//! What is known of a request when it is answered: for counting it, for its line in the log, and for its trace.

use std::time::Duration;

use domain::{ApiKeyId, Product, ProjectId, Reason, Region, RequestId, Timestamp, named_enum};
use http::Method;

use crate::Gateway;
use crate::policy::Route;
use crate::trace::Draft;

named_enum! {
    /// What a request asks for: few enough to count by.
    RouteClass {
        /// Makes a job.
        JobCreate = "job_create",
        /// Lists jobs.
        JobList = "job_list",
        /// Reads a job.
        JobRead = "job_read",
        /// Deletes a job.
        JobDelete = "job_delete",
        /// Reads a transcript.
        Transcript = "transcript",
        /// Reads a job's log.
        Log = "log",
        /// Reads a job's audio.
        Data = "data",
        /// Reads usage.
        Usage = "usage",
        /// Reads what the engine can do.
        Features = "features",
        /// Text to speech.
        Speech = "speech",
        /// A realtime session.
        Realtime = "realtime",
        /// A session with an agent.
        Flow = "flow",
        /// The management API or the portal.
        Management = "management",
        /// Nothing that there is.
        Unknown = "unknown",
    }
}

impl RouteClass {
    /// The class of what a request asks of a route of the Jobs API.
    pub(crate) fn of(route: Route<'_>, method: &Method) -> Self {
        match (route, method) {
            (Route::Jobs, &Method::POST) => Self::JobCreate,
            (Route::Jobs, _) => Self::JobList,
            (Route::Job(_), &Method::DELETE) => Self::JobDelete,
            (Route::Job(_), _) => Self::JobRead,
            (Route::Transcript(_), _) => Self::Transcript,
            (Route::Log(_), _) => Self::Log,
            (Route::Data(_), _) => Self::Data,
            (Route::Usage, _) => Self::Usage,
            (Route::Features, _) => Self::Features,
            (Route::Generate(_), _) => Self::Speech,
        }
    }

    /// The product that it belongs to.
    pub const fn product(self) -> Option<Product> {
        match self {
            Self::JobCreate
            | Self::JobList
            | Self::JobRead
            | Self::JobDelete
            | Self::Transcript
            | Self::Log
            | Self::Data
            | Self::Usage
            | Self::Features => Some(Product::Batch),
            Self::Speech => Some(Product::Tts),
            Self::Realtime => Some(Product::Rt),
            Self::Flow => Some(Product::Flow),
            Self::Management | Self::Unknown => None,
        }
    }
}

/// What is known of a request. Written by whoever finds it out, read once it is answered.
#[derive(Debug)]
pub struct Outcome {
    /// Where it arrived, if at a region.
    pub region: Option<Region>,
    /// What it asked for.
    pub route: RouteClass,
    /// Why it was refused, if it was.
    pub reason: Option<Reason>,
    /// Whose it is, once authenticated.
    pub project_id: Option<ProjectId>,
    /// Which API key it came with, or the parent of its temporary key.
    pub api_key_id: Option<ApiKeyId>,
    /// Its id: the one that a trusted proxy gave, or one of ours.
    pub request_id: Option<RequestId>,
    /// Its trace, if it is traced.
    pub trace: Option<Box<Draft>>,
}

impl Outcome {
    /// The id of the request, made now if it has none yet.
    pub(crate) fn id(&mut self, gateway: &Gateway, now: Timestamp) -> RequestId {
        *self.request_id.get_or_insert_with(|| gateway.request_id(now))
    }

    /// Begins a step, if the request is traced.
    pub(crate) fn step(&self) -> Option<Duration> {
        self.trace.as_ref().map(|trace| trace.step())
    }

    /// Notes that deciding, begun then, is over.
    pub(crate) fn verified(&mut self, begun: Option<Duration>) {
        if let Some((trace, begun)) = self.trace.as_mut().zip(begun) {
            trace.verified(begun);
        }
    }

    /// Notes that the engine, asked from then on, has answered.
    pub(crate) fn answered(&mut self, begun: Option<Duration>) {
        if let Some((trace, begun)) = self.trace.as_mut().zip(begun) {
            trace.answered(begun);
        }
    }
}

impl Default for Outcome {
    fn default() -> Self {
        Self {
            region: None,
            route: RouteClass::Unknown,
            reason: None,
            project_id: None,
            api_key_id: None,
            request_id: None,
            trace: None,
        }
    }
}
