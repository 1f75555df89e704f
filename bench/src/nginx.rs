//! nginx as the engine and as the peer that is measured.

use std::error::Error;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Seconds that nginx gets until it listens.
const START_SECONDS_MAX: u64 = 10;

/// A running nginx; stopped when dropped.
#[derive(Debug)]
pub(crate) struct Nginx {
    child: Child,
    /// The loopback port that it listens on.
    pub(crate) port: u16,
}

impl Nginx {
    /// Starts nginx with one worker and the `http` block that `config` gives for its port.
    pub(crate) fn start(
        folder: &Path,
        name: &str,
        config: &dyn Fn(u16) -> String,
    ) -> Result<Self, Box<dyn Error>> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let home = folder.join(name);
        std::fs::create_dir_all(&home)?;
        let file: PathBuf = home.join("nginx.conf");
        let text = format!(
            "worker_processes 1;\ndaemon off;\nmaster_process on;\nuser root;\npid {home}/nginx.pid;\nerror_log {home}/error.log;\n\
             events {{ worker_connections 4096; }}\nhttp {{ access_log off; client_body_temp_path {home}/b; proxy_temp_path {home}/p;\n\
             fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u; scgi_temp_path {home}/s; keepalive_requests 100000000;\n{} }}\n",
            config(port),
            home = home.display(),
        );
        std::fs::write(&file, text)?;
        let child = Command::new("nginx")
            .arg("-p")
            .arg(&home)
            .arg("-c")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|cause| format!("nginx does not start ({cause}): apt-get install nginx"))?;
        let nginx = Self { child, port };
        let until = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if Instant::now() > until {
                let log = std::fs::read_to_string(home.join("error.log")).unwrap_or_default();
                return Err(format!("nginx did not listen within {START_SECONDS_MAX} s: {log}").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(nginx)
    }

    /// The processes that do the work.
    pub(crate) fn workers(&self) -> Result<Vec<u32>, Box<dyn Error>> {
        let pid = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
        Ok(children.split_whitespace().filter_map(|child| child.parse().ok()).collect())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        for worker in self.workers().unwrap_or_default() {
            let _ = Command::new("kill").arg(worker.to_string()).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An engine that makes one job and answers 200 bytes for it.
pub(crate) fn engine_config(port: u16) -> String {
    let job = r#"{"job":{"id":"benchjob0001","status":"done","created_at":"2026-11-25T00:00:00.000Z","data_name":"a.wav","duration":1,"config":{"type":"transcription","transcription_config":{"language":"en"}}}}"#;
    format!(
        "server {{ listen 127.0.0.1:{port}; default_type application/json; client_max_body_size 0;\n\
         location = /v2/jobs {{ return 201 '{{\"id\":\"benchjob0001\"}}'; }}\nlocation / {{ return 200 '{job}'; }} }}"
    )
}

/// A plain proxy to the engine, with kept-alive connections.
pub(crate) fn proxy_config(port: u16, engine: u16) -> String {
    format!(
        "upstream engine {{ server 127.0.0.1:{engine}; keepalive 64; keepalive_requests 100000000; }}\n\
         server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://engine; proxy_http_version 1.1; proxy_set_header Connection ''; }} }}"
    )
}
