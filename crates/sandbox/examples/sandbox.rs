//! The sandbox alone, for trying it: `sandbox [--data-dir D] [--recognizer "CMD {wav}"] [--port P]`. Prints its address; Ctrl-C ends it.

use sandbox::{Sandbox, SandboxConfig};
use std::error::Error;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut port = 0;
    let mut config = SandboxConfig {
        data_dir: PathBuf::from("sandbox-data"),
        recognizer: None,
        engine_name: "alone".to_owned(),
    };
    let mut arguments = std::env::args().skip(1);
    while let (Some(name), value) = (arguments.next(), arguments.next()) {
        let value = value.ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--data-dir" => config.data_dir = PathBuf::from(value),
            "--recognizer" => config.recognizer = Some(value),
            "--port" => port = value.parse()?,
            _ => return Err(format!("{name} is not known: --data-dir, --recognizer, --port are").into()),
        }
    }
    let sandbox = Sandbox::open(config).await?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("{}", listener.local_addr()?);
    let shutdown = CancellationToken::new();
    let served = tokio::spawn(sandbox.serve(listener, shutdown.clone()));
    tokio::signal::ctrl_c().await?;
    shutdown.cancel();
    served.await??;
    Ok(())
}
