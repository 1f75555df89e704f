//! A job's way from its file to its transcript.

use super::config::{FetchConfig, JobConfig};
use super::job::{JobError, JobId, JobRecord, Status};
use super::listen::{Heard, ListenError, listen};
use super::store::Outcome;
use super::transcript::{self, Parts};
use crate::audio::segment::Segment;
use crate::engine::Sandbox;
use crate::speech::recognizer::{Recognizer, TemporaryFile};
use crate::speech::results::RecognitionResult;
use crate::speech::words::{self, Placeholders, Word};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What a job is rejected with.
#[derive(Debug)]
struct Rejection {
    message: String,
    duration: Option<u64>,
}

impl Rejection {
    fn new(message: impl ToString) -> Rejection {
        Rejection { message: message.to_string(), duration: None }
    }
}

/// What a job became.
struct Finished {
    results: Vec<RecognitionResult>,
    duration: u64,
}

/// Works on one job after another. Dropped at shutdown: what isn't finished then is worked on again after the next start.
pub(crate) async fn work(sandbox: Arc<Sandbox>) {
    loop {
        // Held also while waiting for a job, so that several servers of one sandbox have no more workers than one.
        let Ok(_permit) = sandbox.workers.acquire().await else { return };
        let id = sandbox.queue.next().await;
        let unfinished = Unfinished { sandbox: &sandbox, id: Some(id.clone()) };
        let Some(deleted) = sandbox.store.cancel_token(&id) else { continue };
        tokio::select! {
            () = deleted.cancelled() => (),
            () = work_on(&sandbox, &id) => (),
        }
        unfinished.disarm();
    }
}

/// Gives a job back to the queue if its worker is dropped while another server of the same sandbox goes on.
struct Unfinished<'a> {
    sandbox: &'a Sandbox,
    id: Option<JobId>,
}

impl Unfinished<'_> {
    fn disarm(mut self) {
        self.id = None;
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            self.sandbox.queue.push(id);
        }
    }
}

async fn work_on(sandbox: &Arc<Sandbox>, id: &JobId) {
    sandbox.log_job(id, "work starts").await;
    let store = Arc::clone(&sandbox.store);
    let key = id.clone();
    let record = match sandbox.blocking(move || store.record(&key)).await {
        Ok(record) if record.job.status == Status::Running => record,
        Ok(_) => return,
        Err(error) => return tracing::error!(%id, %error, "a job's record can't be read"),
    };
    let outcome = match transcribe(sandbox, &record).await {
        Ok((transcript, duration, errors)) => {
            sandbox.log_job(id, "done").await;
            Outcome { duration: Some(duration), errors, transcript: Some(transcript) }
        }
        Err(rejection) => {
            sandbox.log_job(id, &format!("rejected: {}", rejection.message)).await;
            let errors = vec![job_error(sandbox, rejection.message)];
            Outcome { duration: rejection.duration, errors, transcript: None }
        }
    };
    let (store, key) = (Arc::clone(&sandbox.store), id.clone());
    if let Err(error) = sandbox.blocking(move || store.finish(&key, outcome)).await {
        tracing::error!(%id, %error, "a job's result can't be written; it is worked on again after the next start");
    }
}

type Transcribed = (serde_json::Value, u64, Vec<JobError>);

async fn transcribe(sandbox: &Arc<Sandbox>, record: &JobRecord) -> Result<Transcribed, Rejection> {
    // Checked before the job was taken; an older version may have been more lenient.
    let config = JobConfig::parse(&record.config).map_err(|refusal| Rejection::new(refusal.detail))?;
    let id = &record.job.id;
    if let Some(fetch) = &config.fetch {
        fetch_data(sandbox, id, fetch).await?;
    }
    let finished = recognise(sandbox, id, &config).await?;
    let parts = Parts {
        record,
        config: &config,
        duration: finished.duration,
        results: &finished.results,
        engine_name: &sandbox.engine_name,
        now: sandbox.clock.now(),
    };
    let mut errors = Vec::new();
    if config.wants_callbacks {
        errors.push(job_error(
            sandbox,
            "notifications were not sent: the Voxgate sandbox sends none".to_owned(),
        ));
    }
    Ok((transcript::json_v2(&parts), finished.duration, errors))
}

async fn fetch_data(sandbox: &Sandbox, id: &JobId, fetch: &FetchConfig) -> Result<(), Rejection> {
    sandbox.log_job(id, &format!("fetching audio from {}", fetch.url.host().unwrap_or_default())).await;
    sandbox.fetcher.fetch(fetch, &sandbox.store.data_path(id)).await.map_err(Rejection::new)
}

async fn recognise(sandbox: &Arc<Sandbox>, id: &JobId, config: &JobConfig) -> Result<Finished, Rejection> {
    let copy = sandbox
        .recognizer
        .as_ref()
        .map(|_| TemporaryFile::new(sandbox.store.temporary_path(&format!("{id}.wav"))));
    let heard = hear(sandbox, id, copy.as_ref()).await?;
    let duration = heard.seconds.ceil() as u64;
    sandbox
        .log_job(id, &format!("{:.2} s of audio, {} segments of speech", heard.seconds, heard.segments.len()))
        .await;
    let placed = match (&sandbox.recognizer, &copy) {
        (Some(recognizer), Some(copy)) if !heard.segments.is_empty() => {
            let text = run(sandbox, id, recognizer, copy).await;
            let text = text.map_err(|message| Rejection { message, duration: Some(duration) })?;
            words::spread_over(&words::split(&text), &heard.segments)
        }
        _ => placeholders(&heard.segments),
    };
    let results = placed
        .iter()
        .filter(|(_, words)| !words.is_empty())
        .flat_map(|(segment, words)| config.style.results(words, true, segment.end_seconds()))
        .collect();
    Ok(Finished { results, duration })
}

fn placeholders(segments: &[Segment]) -> Vec<(Segment, Vec<Word>)> {
    let mut placeholders = Placeholders::default();
    segments.iter().map(|&segment| (segment, placeholders.words(segment, false))).collect()
}

async fn hear(sandbox: &Sandbox, id: &JobId, copy: Option<&TemporaryFile>) -> Result<Heard, Rejection> {
    let data = sandbox.store.data_path(id);
    let copy = copy.map(|copy| copy.path().to_owned());
    // Blocking work isn't stopped by dropping its future, so the guard tells it.
    let stop = CancellationToken::new();
    let _guard = stop.clone().drop_guard();
    let heard = sandbox.blocking(move || Ok(listen(&data, copy.as_deref(), &stop))).await;
    match heard.map_err(Rejection::new)? {
        Ok(heard) => Ok(heard),
        Err(ListenError::Audio(error)) => {
            Err(Rejection::new(format!("Job rejected due to invalid audio: {error}")))
        }
        Err(error) => Err(Rejection::new(error)),
    }
}

async fn run(
    sandbox: &Sandbox,
    id: &JobId,
    recognizer: &Recognizer,
    wav: &TemporaryFile,
) -> Result<String, String> {
    let text = recognizer.run(wav.path()).await;
    if let Err(error) = &text {
        sandbox.log_job(id, &format!("{error}: {}", error.complaint())).await;
    }
    text.map_err(|error| error.to_string())
}

fn job_error(sandbox: &Sandbox, message: String) -> JobError {
    JobError { timestamp: sandbox.clock.now().to_rfc3339(), message }
}
