//! The Jobs API on a real listener.

use crate::support::{Answer, Running, config, form, wav, words};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::time::Duration;

const NEVER_ENDS: &str = "sh -c 'exec sleep 1000' {wav}";

/// A file becomes a job, and the job a transcript in every format, with a log that names the gateway's request.
#[tokio::test]
async fn a_file_becomes_a_transcript() {
    let sandbox = Running::start(None).await;
    let file = wav(&[(1.0, 2.0), (1.0, 1.2), (1.0, 0.0)]);
    let mut config = config();
    config["tracking"] = json!({"title": "a title"});
    let request = sandbox.client.post(sandbox.url("/v2/jobs/")).header("Voxgate-Request-Id", "req-17");
    let created =
        Answer::of(request.multipart(form(&config, Some(file.clone()))).send().await.unwrap()).await;
    assert_eq!((created.status, created.content_type.as_str()), (201, "application/json"));
    let id = created.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(created.json(), json!({ "id": id }));

    let job = sandbox.finished(&id).await;
    assert_eq!((&job["status"], &job["duration"]), (&json!("done"), &json!(7)));
    assert_eq!((&job["data_name"], &job["config"]), (&json!("speech.wav"), &config));

    let path = format!("/v2/jobs/{id}/transcript");
    let transcript = sandbox.get(&path).await;
    assert_eq!(transcript.content_type, "application/vnd.speechmatics.v2+json");
    let transcript = transcript.json();
    assert_eq!(transcript["job"]["tracking"]["title"], "a title");
    assert_eq!(transcript["job"]["duration"], 7);
    let metadata = &transcript["metadata"];
    assert!(metadata["orchestrator_version"].as_str().unwrap().starts_with("voxgate-sandbox-"));
    assert_eq!(metadata["language_pack_info"]["language_description"], "English (Voxgate sandbox eu1)");
    let heard = words(&transcript["results"]);
    assert_eq!(heard, ["sandbox", "word", "one", "two", "three", "four", "five", "six"]);
    let first = &transcript["results"][0];
    assert!((first["start_time"].as_f64().unwrap() - 1.0).abs() < 0.1, "{first}");

    let txt = sandbox.get(&format!("{path}?format=txt")).await;
    assert!(txt.content_type.starts_with("text/plain"));
    assert_eq!(txt.text(), "sandbox word one two three. four five six.\n");
    let srt = sandbox.get(&format!("{path}/?format=srt&wait=0")).await.text();
    assert!(srt.starts_with("1\n00:00:0") && srt.contains("\nsandbox word one two three.\n\n2\n"), "{srt}");
    assert_eq!(sandbox.get(&format!("{path}?format=json-v2")).await.json(), transcript);
    sandbox.get(&format!("{path}?format=docx")).await.assert_error(400, "Format Not Supported");

    let log = sandbox.get(&format!("/v2/jobs/{id}/log")).await;
    assert!(log.content_type.starts_with("text/plain"));
    assert!(log.text().contains("request req-17") && log.text().contains("2 segments"), "{}", log.text());
    assert_eq!(sandbox.get(&format!("/v2/jobs/{id}/data")).await.body, file);
    sandbox.stop().await;
}

/// The parts may come in any order, with others between them; parameters that the gateway bridges are ignored.
#[tokio::test]
async fn parts_come_in_any_order() {
    let sandbox = Running::start(None).await;
    let file = Part::bytes(wav(&[(0.5, 1.0)])).file_name("../x/a.wav");
    let form = Form::new().part("data_file", file).text("extra", "x").text("config", config().to_string());
    let created = sandbox.post("/v2/jobs?wait=60&format=txt&sm-sdk=x", form).await;
    assert_eq!(created.status, 201);
    let job = sandbox.finished(created.json()["id"].as_str().unwrap()).await;
    assert_eq!((&job["status"], &job["data_name"]), (&json!("done"), &json!("a.wav")));
    sandbox.stop().await;
}

/// Silence is a finished job without words.
#[tokio::test]
async fn silence_has_no_words() {
    let sandbox = Running::start(Some("sh -c 'echo must not be asked; exit 1' {wav}")).await;
    let id = sandbox.create(wav(&[(3.0, 0.0)])).await;
    assert_eq!(sandbox.results(&id).await, json!([]));
    assert_eq!(sandbox.get(&format!("/v2/jobs/{id}/transcript?format=srt")).await.text(), "");
    sandbox.stop().await;
}

/// What is no WAV file is rejected, with an error that names the container and what would be read.
#[tokio::test]
async fn other_containers_are_rejected() {
    let sandbox = Running::start(None).await;
    for (file, name) in [(b"ID3\x03 not really".to_vec(), "an MP3 file"), (Vec::new(), "an empty file")] {
        let id = sandbox.create(file).await;
        let job = sandbox.finished(&id).await;
        assert_eq!(job["status"], "rejected");
        let message = job["errors"][0]["message"].as_str().unwrap();
        assert!(message.starts_with("Job rejected due to invalid audio"), "{message}");
        assert!(message.contains(name) && message.contains("reads WAV files"), "{message}");
        sandbox.get(&format!("/v2/jobs/{id}/transcript")).await.assert_error(404, "Job rejected");
    }
    sandbox.stop().await;
}

/// Each thing that is wrong with a new job has its published name, and leaves no job behind.
#[tokio::test]
async fn wrong_jobs_are_refused_by_name() {
    let sandbox = Running::start(None).await;
    let file = || Some(wav(&[(0.1, 0.1)]));
    let mut fetching = config();
    fetching["fetch_data"] = json!({"url": "http://127.0.0.1:9/a.wav"});
    let no_config = Form::new().part("data_file", Part::bytes(wav(&[])).file_name("a.wav"));
    let twice = form(&config(), file()).text("config", "{}");
    let not_json = Form::new().text("config", "{oops").part("data_file", Part::bytes(vec![0]).file_name("a"));
    for (form, error) in [
        (no_config, "Malformed request"),
        (twice, "Malformed request"),
        (not_json, "Job rejected"),
        (form(&config(), None), "Missing data_file"),
        (form(&fetching, file()), "Job rejected"),
        (form(&json!({"type": "transcription"}), file()), "No language selected"),
        (form(&json!({"type": "alignment"}), file()), "Job rejected"),
    ] {
        sandbox.post("/v2/jobs", form).await.assert_error(400, error);
    }
    let plain = sandbox.client.post(sandbox.url("/v2/jobs")).json(&config()).send().await.unwrap();
    Answer::of(plain).await.assert_error(400, "Malformed request");
    let broken = sandbox.client.post(sandbox.url("/v2/jobs"));
    let broken = broken.header("content-type", "multipart/form-data; boundary=x").body("--x\r\nbroken");
    Answer::of(broken.send().await.unwrap()).await.assert_error(400, "Malformed request");
    assert_eq!(sandbox.get("/v2/jobs").await.json(), json!({"jobs": []}));
    sandbox.stop().await;
}

/// A config of the largest size is taken, one byte more is not; the answer arrives although much was still to be sent.
#[tokio::test]
async fn configs_are_limited_in_size() {
    const CONFIG_BYTES_MAX: usize = 1 << 20;
    let sandbox = Running::start(None).await;
    let post = async |bytes: usize| {
        let mut config = config();
        config["tracking"] = json!({"title": ""});
        let padding = bytes - config.to_string().len();
        config["tracking"]["title"] = json!("x".repeat(padding));
        sandbox.post("/v2/jobs", form(&config, Some(wav(&[(60.0, 60.0)])))).await
    };
    assert_eq!(post(CONFIG_BYTES_MAX).await.status, 201);
    post(CONFIG_BYTES_MAX + 1).await.assert_error(400, "Job rejected");
    sandbox.stop().await;
}

/// Lists are newest first and exact in their bounds; wrong values are named.
#[tokio::test]
async fn jobs_are_listed() {
    let sandbox = Running::start(None).await;
    let mut made = Vec::new();
    for _ in 0..4 {
        made.insert(0, sandbox.create(wav(&[(0.1, 0.3)])).await);
    }
    let list = async |query: &str| -> Vec<Value> {
        sandbox.get(&format!("/v2/jobs{query}")).await.json()["jobs"].as_array().unwrap().clone()
    };
    let ids = |jobs: &[Value]| -> Vec<String> {
        jobs.iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = list("").await;
    assert_eq!(ids(&all), made);
    assert_eq!(all[0].get("config"), None);
    assert_eq!(ids(&list("/?limit=3").await), made[..3]);
    let cursor = all[1]["created_at"].as_str().unwrap();
    assert_eq!(ids(&list(&format!("?created_before={cursor}")).await), made[2..]);
    assert_eq!(ids(&list(&format!("?created_after={cursor}")).await), made[..1]);

    sandbox.finished(&made[0]).await;
    sandbox.delete(&format!("/v2/jobs/{}", made[0])).await;
    assert_eq!(ids(&list("").await), made[1..]);
    let everything = list("?include_deleted=true").await;
    assert_eq!((ids(&everything), &everything[0]["status"]), (made, &json!("deleted")));

    for query in ["limit=0", "limit=101", "limit=x", "created_before=x", "include_deleted=x"] {
        sandbox.get(&format!("/v2/jobs?{query}")).await.assert_error(422, "Unprocessable Entity");
    }
    sandbox.stop().await;
}

/// A running job has no transcript yet and is locked; by force it is deleted, and its recogniser stopped; then it is gone.
#[tokio::test]
async fn running_jobs_are_locked() {
    let sandbox = Running::start(Some(NEVER_ENDS)).await;
    let id = sandbox.create(wav(&[(0.5, 1.0)])).await;
    let path = format!("/v2/jobs/{id}");
    sandbox.get(&format!("{path}/transcript")).await.assert_error(404, "Transcription not ready");
    sandbox.delete(&path).await.assert_error(423, "Resource Locked");
    sandbox.delete(&format!("{path}?force=maybe")).await.assert_error(422, "Unprocessable Entity");
    assert_eq!(sandbox.get(&path).await.json()["job"]["status"], "running");

    let deleted = sandbox.delete(&format!("{path}?force=true")).await;
    assert_eq!((deleted.status, &deleted.json()["job"]["status"]), (200, &json!("deleted")));
    for path in [path.clone(), format!("{path}/transcript"), format!("{path}/log"), format!("{path}/data")] {
        sandbox.get(&path).await.assert_error(404, "Job not found");
    }
    sandbox.delete(&path).await.assert_error(404, "Job not found");
    sandbox.stop().await;
}

/// Ids that no job can have and ids that no job has are answered alike.
#[tokio::test]
async fn unknown_jobs_are_not_found() {
    let sandbox = Running::start(None).await;
    let unknown = sandbox.get("/v2/jobs/a1b2c3d4e5").await;
    unknown.assert_error(404, "Job not found");
    for id in ["x", "..%2f..%2fetc", "A1B2C3D4E5", "a1b2c3d4e5%00", "084d1f86-9fe9-11e8-9c91-00155d019c0b"] {
        for rest in ["", "/transcript", "/log", "/data"] {
            assert_eq!(sandbox.get(&format!("/v2/jobs/{id}{rest}")).await.body, unknown.body, "{id}{rest}");
        }
        assert_eq!(sandbox.delete(&format!("/v2/jobs/{id}?force=true")).await.body, unknown.body, "{id}");
    }
    sandbox.stop().await;
}

/// Finished jobs are there after a restart; one that was running is worked on again, by whatever recogniser there is then.
#[tokio::test]
async fn jobs_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = Running::start_in(folder.path(), None).await;
    let done = sandbox.create(wav(&[(0.5, 1.0)])).await;
    let before = sandbox.finished(&done).await;
    let transcript = sandbox.get(&format!("/v2/jobs/{done}/transcript")).await.body;
    sandbox.stop().await;

    let sandbox = Running::start_in(folder.path(), Some(NEVER_ENDS)).await;
    let running = sandbox.create(wav(&[(0.5, 1.0)])).await;
    sandbox.stop().await;

    let sandbox = Running::start_in(folder.path(), Some("sh -c 'echo real words' {wav}")).await;
    assert_eq!(sandbox.finished(&done).await, before);
    assert_eq!(sandbox.get(&format!("/v2/jobs/{done}/transcript")).await.body, transcript);
    assert_eq!(words(&sandbox.results(&running).await), ["real", "words"]);
    sandbox.stop().await;
}

/// The recogniser's line is the transcript, timed over the speech.
#[tokio::test]
async fn a_recogniser_gives_the_words() {
    let sandbox = Running::start(Some("sh -c 'echo Hello, you; test -s \"$0\"' {wav}")).await;
    let id = sandbox.create(wav(&[(1.0, 1.0), (1.0, 1.0)])).await;
    let results = sandbox.results(&id).await;
    assert_eq!(words(&results), ["Hello", "you"]);
    let txt = sandbox.get(&format!("/v2/jobs/{id}/transcript?format=txt")).await.text();
    assert_eq!(txt, "Hello, you.\n");
    let start =
        results.as_array().unwrap().iter().rfind(|result| result["type"] == "word").unwrap()["start_time"]
            .clone();
    assert!((start.as_f64().unwrap() - 3.0).abs() < 0.1, "{results}");
    sandbox.stop().await;
}

/// A recogniser that fails rejects the job: the reason is in its errors, what the command wrote is in its log.
#[tokio::test]
async fn a_failing_recogniser_rejects_the_job() {
    let sandbox = Running::start(Some("sh -c 'echo no such model >&2; exit 7' {wav}")).await;
    let id = sandbox.create(wav(&[(0.5, 1.0)])).await;
    let job = sandbox.finished(&id).await;
    assert_eq!((&job["status"], &job["duration"]), (&json!("rejected"), &json!(2)));
    assert!(job["errors"][0]["message"].as_str().unwrap().contains("exit status: 7"), "{job}");
    let log = sandbox.get(&format!("/v2/jobs/{id}/log")).await.text();
    assert!(log.contains("no such model"), "{log}");
    sandbox.stop().await;
}

/// What the sandbox can't do is told where the published formats tell it.
#[tokio::test]
async fn what_is_not_done_is_told() {
    let sandbox = Running::start(None).await;
    let mut config = config();
    config["translation_config"] = json!({"target_languages": ["de"]});
    config["notification_config"] =
        json!([{"url": "http://127.0.0.1:9/", "auth_headers": ["Authorization: secret"]}]);
    config["transcription_config"]["diarization"] = json!("speaker");
    let created = sandbox.post("/v2/jobs", form(&config, Some(wav(&[(0.5, 1.0)])))).await;
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let job = sandbox.finished(&id).await;
    assert_eq!(job["status"], "done");
    assert!(job["errors"][0]["message"].as_str().unwrap().contains("notifications were not sent"), "{job}");
    assert!(!job.to_string().contains("secret"));
    let transcript = sandbox.get(&format!("/v2/jobs/{id}/transcript")).await.json();
    assert_eq!(transcript["metadata"]["translation_errors"][0]["type"], "translation_failed");
    assert_eq!(transcript["results"][0]["alternatives"][0]["speaker"], "UU");
    sandbox.stop().await;
}

/// The paths beside the jobs answer; others don't, and a wrong method is told which ones are right.
#[tokio::test]
async fn the_other_paths_answer() {
    let sandbox = Running::start(None).await;
    assert_eq!(sandbox.get("/live").await.json(), json!({"live": true}));
    assert_eq!(sandbox.get("/ready/").await.json(), json!({"ready": true}));
    let features = sandbox.get("/v1/discovery/features").await.json();
    assert!(features["batch"]["transcription"][0]["languages"].as_array().unwrap().contains(&json!("en")));
    sandbox.get("/v2/unknown-path/x").await.assert_error(404, "Bad Request");
    sandbox.get("/v2").await.assert_error(400, "Bad Request");
    let put = sandbox.client.put(sandbox.url("/v2/jobs")).send().await.unwrap();
    assert_eq!(put.headers()["allow"], "GET, POST");
    Answer::of(put).await.assert_error(405, "Bad Request");
    sandbox.stop().await;
}

/// Stopping doesn't wait for work that never ends, nor for connections that are only kept.
#[tokio::test]
async fn stopping_takes_seconds() {
    let sandbox = Running::start(Some(NEVER_ENDS)).await;
    for _ in 0..3 {
        sandbox.create(wav(&[(0.5, 1.0)])).await;
    }
    tokio::time::timeout(Duration::from_secs(20), sandbox.stop()).await.unwrap();
}
