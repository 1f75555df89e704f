//! An HTTP client of one endpoint.

use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method};
use serde_json::Value;

use crate::{Answer, Caller, within};

/// The simplest configuration of a job.
pub const JOB_CONFIG: &str = r#"{"type":"transcription","transcription_config":{"language":"en"}}"#;

/// An HTTP client of one endpoint.
#[derive(Debug, Clone)]
pub struct Api {
    client: Client,
    base: String,
}

impl Api {
    /// A client of the endpoint at `base`; a final `/v2` may stand there.
    ///
    /// # Panics
    /// When the system gives no sockets.
    pub fn new(base: &str) -> Self {
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client without TLS needs nothing that can be missing");
        Self { client, base: base.trim_end_matches("/v2").to_owned() }
    }

    /// Where it asks.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Asks without a body.
    pub async fn send(&self, method: Method, path: &str, caller: &Caller) -> Answer {
        let request = self.client.request(method, format!("{}{path}", self.base));
        self.ask(caller.sign(request)).await
    }

    /// `GET`.
    pub async fn get(&self, path: &str, caller: &Caller) -> Answer {
        self.send(Method::GET, path, caller).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str, caller: &Caller) -> Answer {
        self.send(Method::DELETE, path, caller).await
    }

    /// `POST` with JSON.
    pub async fn post(&self, path: &str, caller: &Caller, body: &Value) -> Answer {
        let request = self.client.post(format!("{}{path}", self.base)).json(body);
        self.ask(caller.sign(request)).await
    }

    /// `PUT` with JSON.
    pub async fn put(&self, path: &str, caller: &Caller, body: &Value) -> Answer {
        let request = self.client.put(format!("{}{path}", self.base)).json(body);
        self.ask(caller.sign(request)).await
    }

    /// Any method with any body.
    pub async fn send_bytes(&self, method: Method, path: &str, caller: &Caller, body: Vec<u8>) -> Answer {
        let request = self.client.request(method, format!("{}{path}", self.base)).body(body);
        self.ask(caller.sign(request)).await
    }

    /// A request to be finished by hand, and sent with [`Api::ask`].
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// Sends a request that was finished by hand.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn ask(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = within("an answer", request.send()).await;
        Answer::read(response.unwrap_or_else(|error| panic!("no answer from {}: {error:?}", self.base))).await
    }

    /// Makes a job from a short sound.
    pub async fn create_job(&self, caller: &Caller) -> Answer {
        let file = Part::bytes(speech_wav()).file_name("hello.wav");
        let form = Form::new().text("config", JOB_CONFIG).part("data_file", file);
        let request = self.client.post(format!("{}/v2/jobs", self.base)).multipart(form);
        self.ask(caller.sign(request)).await
    }

    /// Makes a job and tells its id.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn job(&self, caller: &Caller) -> String {
        let answer = self.create_job(caller).await.expect(201).json();
        answer["id"].as_str().expect("a job has an id").to_owned()
    }

    /// The ids of the jobs that the caller sees.
    ///
    /// # Panics
    /// When the list is refused.
    pub async fn job_ids(&self, caller: &Caller) -> Vec<String> {
        let answer = self.get("/v2/jobs", caller).await.expect(200).json();
        let jobs = answer["jobs"].as_array().expect("a list of jobs").clone();
        jobs.iter().map(|job| job["id"].as_str().expect("a job has an id").to_owned()).collect()
    }
}

/// A second of sound that an engine takes for speech: 16 kHz, 16 bit, mono.
pub fn speech_wav() -> Vec<u8> {
    const SAMPLES: u32 = 16_000;
    let mut file = Vec::new();
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + SAMPLES * 2).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend_from_slice(&16_000_u32.to_le_bytes());
    file.extend_from_slice(&32_000_u32.to_le_bytes());
    file.extend_from_slice(b"\x02\0\x10\0data");
    file.extend_from_slice(&(SAMPLES * 2).to_le_bytes());
    for index in 0..SAMPLES {
        let is_loud = (2_000..14_000).contains(&index);
        let sample: i16 = if !is_loud {
            0
        } else if index / 50 % 2 == 0 {
            9_000
        } else {
            -9_000
        };
        file.extend_from_slice(&sample.to_le_bytes());
    }
    file
}
