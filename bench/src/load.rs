//! The side-by-side load: the same requests through nginx without authentication and through Voxgate with an
//! API key, to the same engine, in interleaved rounds. What is compared is CPU time of the proxy per request.
//!
//! Needs nginx and wrk from Debian's packages; `cargo xtask bench` installs them.

use std::error::Error;
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
    // nginx gets the same request, with the same header, so that parsing weighs the same.
    let header = format!("Authorization: Bearer {}", voxgate.api_key());
    let token_header = format!("Authorization: Bearer {}", mint(&voxgate)?);

    let mut rows = Vec::new();
    for round in 1..=options.rounds {
        let nginx_round = measure(options, folder.path(), &bare_url, &header, &bare.workers()?)?;
        let key_round = measure(options, folder.path(), &voxgate_url, &header, &[voxgate.pid()])?;
        let token_round = measure(options, folder.path(), &voxgate_url, &token_header, &[voxgate.pid()])?;
        if !options.json {
            println!(
                "round {round}: nginx bare {:6.2} µs  api key {:6.2} µs ({:.2})  cached token {:6.2} µs ({:.2})",
                nginx_round.per_request(),
                key_round.per_request(),
                key_round.per_request() / nginx_round.per_request(),
                token_round.per_request(),
                token_round.per_request() / nginx_round.per_request(),
            );
        }
        rows.push((nginx_round, key_round, token_round));
    }
    let nginx_micros = median(rows.iter().map(|row| row.0.per_request()));
    let key_ratio = median(rows.iter().map(|row| row.1.per_request() / row.0.per_request()));
    let token_ratio = median(rows.iter().map(|row| row.2.per_request() / row.0.per_request()));
    if options.json {
        println!(
            "{}",
            json!({"nginx_micros": nginx_micros, "api_key_ratio": key_ratio, "token_ratio": token_ratio})
        );
    } else {
        println!(
            "median: nginx bare {nginx_micros:.2} µs/request = 1.00, api key {key_ratio:.2}, cached token {token_ratio:.2}"
        );
    }
    Ok(())
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

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
