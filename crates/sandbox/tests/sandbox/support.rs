//! A sandbox on a real listener, and audio to give it.

use reqwest::multipart::{Form, Part};
use sandbox::{Sandbox, SandboxConfig};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Nothing here takes long; whoever waits longer than this has waited in vain.
pub(crate) const WAIT: Duration = Duration::from_secs(60);

pub(crate) struct Running {
    pub(crate) address: std::net::SocketAddr,
    pub(crate) client: reqwest::Client,
    shutdown: CancellationToken,
    served: JoinHandle<std::io::Result<()>>,
    _folder: Option<tempfile::TempDir>,
}

impl Running {
    /// A sandbox in a folder of its own.
    pub(crate) async fn start(recognizer: Option<&str>) -> Running {
        let folder = tempfile::tempdir().unwrap();
        let mut running = Running::start_in(folder.path(), recognizer).await;
        running._folder = Some(folder);
        running
    }

    pub(crate) async fn start_in(data_dir: &Path, recognizer: Option<&str>) -> Running {
        let config = SandboxConfig {
            data_dir: PathBuf::from(data_dir),
            recognizer: recognizer.map(str::to_owned),
            engine_name: "eu1".to_owned(),
        };
        let sandbox = Sandbox::open(config).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shutdown = CancellationToken::new();
        let address = listener.local_addr().unwrap();
        let served = tokio::spawn(sandbox.serve(listener, shutdown.clone()));
        Running { address, client: reqwest::Client::new(), shutdown, served, _folder: None }
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(WAIT, self.served).await.unwrap().unwrap().unwrap();
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.client.get(self.url(path)).send().await.unwrap()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.client.delete(self.url(path)).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, form: Form) -> Answer {
        Answer::of(self.client.post(self.url(path)).multipart(form).send().await.unwrap()).await
    }

    /// Creates a job of a file, gives its id.
    pub(crate) async fn create(&self, data: Vec<u8>) -> String {
        let answer = self.post("/v2/jobs", form(&config(), Some(data))).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// Waits until a job no longer runs.
    pub(crate) async fn finished(&self, id: &str) -> Value {
        let poll = async {
            loop {
                let job = self.get(&format!("/v2/jobs/{id}")).await.json()["job"].clone();
                if job["status"] != "running" {
                    return job;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(WAIT, poll).await.unwrap()
    }

    /// The results of a finished job.
    pub(crate) async fn results(&self, id: &str) -> Value {
        assert_eq!(self.finished(id).await["status"], "done");
        self.get(&format!("/v2/jobs/{id}/transcript")).await.json()["results"].clone()
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) async fn of(response: reqwest::Response) -> Answer {
        let content_type = response.headers().get("content-type");
        Answer {
            status: response.status().as_u16(),
            content_type: content_type.map_or("", |value| value.to_str().unwrap()).to_owned(),
            body: response.bytes().await.unwrap().to_vec(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Asserts an error of the published form.
    #[track_caller]
    pub(crate) fn assert_error(&self, status: u16, error: &str) {
        assert_eq!((self.status, &self.json()["error"]), (status, &json!(error)), "{}", self.text());
        assert_eq!(self.json()["code"], status);
        assert_eq!(self.content_type, "application/json");
    }
}

pub(crate) fn config() -> Value {
    json!({"type": "transcription", "transcription_config": {"language": "en"}})
}

pub(crate) fn form(config: &Value, data: Option<Vec<u8>>) -> Form {
    let form = Form::new().text("config", config.to_string());
    match data {
        Some(data) => form.part("data_file", Part::bytes(data).file_name("speech.wav")),
        None => form,
    }
}

pub(crate) const RATE_HZ: u32 = 16_000;

/// Samples at 16 kHz: each pair is so many seconds of silence, then of a tone.
pub(crate) fn samples(parts: &[(f64, f64)]) -> Vec<i16> {
    let count = |seconds: f64| (seconds * f64::from(RATE_HZ)) as usize;
    let step = 440.0 * std::f64::consts::TAU / f64::from(RATE_HZ);
    parts
        .iter()
        .flat_map(|&(silence, tone)| {
            let tone = (0..count(tone)).map(move |i| ((i as f64 * step).sin() * 8_000.0) as i16);
            std::iter::repeat_n(0, count(silence)).chain(tone)
        })
        .collect()
}

pub(crate) fn pcm(parts: &[(f64, f64)]) -> Vec<u8> {
    samples(parts).iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

pub(crate) fn wav(parts: &[(f64, f64)]) -> Vec<u8> {
    let audio = pcm(parts);
    let length = audio.len() as u32;
    let mut file = Vec::new();
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(length + 36).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes());
    file.extend_from_slice(&[1, 0, 1, 0]);
    file.extend_from_slice(&RATE_HZ.to_le_bytes());
    file.extend_from_slice(&(RATE_HZ * 2).to_le_bytes());
    file.extend_from_slice(&[2, 0, 16, 0]);
    file.extend_from_slice(b"data");
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(&audio);
    file
}

/// The words of results.
pub(crate) fn words(results: &Value) -> Vec<String> {
    let results = results.as_array().unwrap().iter().filter(|result| result["type"] == "word");
    results.map(|result| result["alternatives"][0]["content"].as_str().unwrap().to_owned()).collect()
}
