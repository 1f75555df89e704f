//! The side-by-side load: the same requests through nginx without authentication and through Voxgate with an
//! API key, to the same engine, in interleaved rounds. What is compared is CPU time of the proxy per request.
//!
//! Needs nginx and wrk from Debian's packages; `cargo xtask bench` installs them.

use std::error::Error;
use std::fmt;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::nginx::{self, Nginx};
use crate::process::{CpuClock, Voxgate};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How the load is run.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LoadOptions {
    /// Interleaved rounds; gaps under 10 % need nine.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Seconds of each round and proxy.
    #[arg(long, default_value_t = 4)]
    seconds: u32,
    /// Connections that wrk holds open.
    #[arg(long, default_value_t = 16)]
    connections: u32,
    /// The voxgate binary to measure.
    #[arg(long, default_value = "target/dist/voxgate")]
    voxgate: std::path::PathBuf,
    /// One line of JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// CPU microseconds per request of one proxy in one round.
struct Round {
    requests: u64,
    cpu_micros: f64,
}

impl Round {
    fn per_request(&self) -> f64 {
        self.cpu_micros / self.requests.max(1) as f64
    }
}

/// Runs the load and prints per round and as a median what each proxy needs.
pub(crate) fn run(options: &LoadOptions) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let engine = Nginx::start(folder.path(), "engine", &nginx::engine_config)?;
    let bare = Nginx::start(folder.path(), "bare", &|port| nginx::proxy_config(port, engine.port))?;
    let upstream = format!("http://127.0.0.1:{}/v2", engine.port);
    // One thread beside one nginx worker: what is compared is work, not how well idle threads are woken.
    let arguments = ["--worker-threads", "1", "--upstream-batch", &upstream];
    let voxgate = Voxgate::start(&options.voxgate, folder.path(), &arguments)?;
    let job = create_job(&voxgate)?;
    // A transcript is passed through as it is, as nginx passes it; its owner is looked up all the same.
    let path = format!("/v2/jobs/{job}/transcript");
    let bare_url = format!("http://127.0.0.1:{}{path}", bare.port);
    let voxgate_url = format!("http://127.0.0.1:{}{path}", voxgate.port());
    let credentials = [("api key", voxgate.api_key().to_owned()), ("cached token", mint(&voxgate)?)];

    let mut pairs: [Vec<Pair>; 2] = [Vec::new(), Vec::new()];
    for round in 1..=options.rounds {
        for ((name, credential), pairs) in credentials.iter().zip(&mut pairs) {
            // nginx gets the same request, with the same header, so that parsing weighs the same.
            let header = format!("Authorization: Bearer {credential}");
            let nginx = measure(options, folder.path(), &bare_url, &header, &bare.workers()?)?;
            let voxgate = measure(options, folder.path(), &voxgate_url, &header, &[voxgate.pid()])?;
            let pair = Pair { nginx_micros: nginx.per_request(), voxgate_micros: voxgate.per_request() };
            if !options.json {
                println!("round {round}: {pair} with {name}");
            }
            pairs.push(pair);
        }
    }
    let [key, token] = pairs.map(|pairs| Pair::median(&pairs));
    if options.json {
        println!("{}", json!({"api_key": key.json(), "cached_token": token.json()}));
    } else {
        println!("median: {key} with api key\nmedian: {token} with cached token");
    }
    Ok(())
}

/// CPU time per request of the two proxies, one after the other, for the same request.
struct Pair {
    nginx_micros: f64,
    voxgate_micros: f64,
}

impl Pair {
    fn ratio(&self) -> f64 {
        self.voxgate_micros / self.nginx_micros
    }

    /// The pair with the median ratio: each ratio is of two runs side by side.
    fn median(pairs: &[Self]) -> Self {
        let mut sorted: Vec<&Self> = pairs.iter().collect();
        sorted.sort_by(|left, right| left.ratio().total_cmp(&right.ratio()));
        let middle = sorted.get(sorted.len() / 2);
        Self {
            nginx_micros: middle.map_or(f64::NAN, |pair| pair.nginx_micros),
            voxgate_micros: middle.map_or(f64::NAN, |pair| pair.voxgate_micros),
        }
    }

    fn json(&self) -> serde_json::Value {
        json!({"nginx_micros": self.nginx_micros, "voxgate_micros": self.voxgate_micros, "ratio": self.ratio()})
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nginx_micros, voxgate_micros } = self;
        write!(f, "nginx bare {nginx_micros:6.2} µs  voxgate {voxgate_micros:6.2} µs ({:.2})", self.ratio())
    }
}

fn create_job(voxgate: &Voxgate) -> Result<String> {
    let form = reqwest::multipart::Form::new()
        .text("config", r#"{"type":"transcription","transcription_config":{"language":"en"}}"#)
        .part("data_file", reqwest::multipart::Part::bytes(vec![0; 16]).file_name("a.wav"));
    let request =
        reqwest::Client::new().post(format!("{}/jobs", voxgate.batch_url())).bearer_auth(voxgate.api_key());
    let answer =
        crate::block_on(async { request.multipart(form).send().await?.json::<serde_json::Value>().await })?;
    Ok(answer["id"].as_str().ok_or_else(|| format!("no job id in {answer}"))?.to_owned())
}

fn mint(voxgate: &Voxgate) -> Result<String> {
    let request = reqwest::Client::new()
        .post(format!("{}/v1/api_keys?type=batch", voxgate.management_url()))
        .bearer_auth(voxgate.api_key())
        .json(&json!({"ttl": 3600}));
    let answer = crate::block_on(async { request.send().await?.json::<serde_json::Value>().await })?;
    Ok(answer["key_value"].as_str().ok_or_else(|| format!("no key_value in {answer}"))?.to_owned())
}

fn measure(options: &LoadOptions, folder: &Path, url: &str, header: &str, pids: &[u32]) -> Result<Round> {
    let script = folder.join("report.lua");
    std::fs::write(
        &script,
        "done = function(s, l, r) io.write('REPORT ' .. s.requests .. ' ' .. s.errors.status + s.errors.connect + s.errors.read + s.errors.timeout .. '\\n') end\n",
    )?;
    let before = CpuClock::of(pids)?;
    let output = Command::new("wrk")
        .args([
            "-t1",
            &format!("-c{}", options.connections),
            &format!("-d{}s", options.seconds),
            "-H",
            header,
            "-s",
        ])
        .arg(&script)
        .arg(url)
        .output()
        .map_err(|cause| format!("wrk does not start ({cause}): apt-get install wrk"))?;
    let after = CpuClock::of(pids)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let report = text.lines().find_map(|line| line.strip_prefix("REPORT ")).ok_or("wrk printed no report")?;
    let (requests, errors) = report.split_once(' ').ok_or("wrk's report has two numbers")?;
    if errors != "0" {
        return Err(format!("{errors} requests to {url} failed: nothing was measured").into());
    }
    Ok(Round { requests: requests.parse()?, cpu_micros: after.micros_since(before) })
}
