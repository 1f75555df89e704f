//! What `voxgate dev` tells people: where everything is, and lines to copy that work as printed.

use std::fmt::Write as _;

use super::{DevError, Running};

/// The text.
///
/// # Errors
/// When the temporary key of the printed URL can't be minted.
pub fn people(running: &Running) -> Result<String, DevError> {
    let mut text = String::new();
    endpoints(&mut text, running);
    credentials(&mut text, running);
    lines_to_copy(&mut text, running)?;
    text.push_str("\nCtrl-C stops it.\n");
    Ok(text)
}

fn endpoints(text: &mut String, running: &Running) {
    let report = running.report();
    let _ = write!(
        text,
        "Voxgate {version} is ready.\n\n\
         Portal            {portal}\n\
         Management API    {management}/v1\n\
         Batch             {batch}   (region eu1)\n\
         Realtime          {realtime}     (region eu1)\n\
         Realtime, global  {global}\n\
         Administration    {admin}   (/readyz, /metrics)\n\n\
         Each region by itself\n",
        version = env!("CARGO_PKG_VERSION"),
        portal = report.portal_url,
        management = report.management_url,
        batch = report.batch_url,
        realtime = report.realtime_url,
        global = report.global_realtime_url,
        admin = report.admin_url,
    );
    for (name, region) in &report.regions {
        let realtime = region.realtime_url.as_deref().unwrap_or("batch only");
        let _ = writeln!(text, "  {name}             {}   {realtime}", region.batch_url);
    }
}

fn credentials(text: &mut String, running: &Running) {
    let report = running.report();
    let kept =
        if running.is_temporary() { "removed at the end; keep it with --data-dir DIR" } else { "kept" };
    let _ = write!(
        text,
        "\n\
         Account           {email}   password {password}\n\
         API key           {key}   (area eu)\n\
         Management token  {token}\n\
         Project           {project}\n\
         Data folder       {folder}   ({kept})\n",
        email = report.account.email,
        password = report.account.password,
        key = report.api_key,
        token = report.management_token,
        project = report.project_id,
        folder = running.data_dir().display(),
    );
}

fn lines_to_copy(text: &mut String, running: &Running) -> Result<(), DevError> {
    let report = running.report();
    let temporary_key = running.mint_printed()?;
    let _ = write!(
        text,
        r#"
To copy into another terminal
-----------------------------

# A sound file to try with
curl -sSo hello.wav {portal}/assets/hello.wav

# Transcribe it: make a job, then read the list of jobs
curl -sS {batch}/jobs -H 'Authorization: Bearer {key}' -F data_file=@hello.wav -F config='{{"type":"transcription","transcription_config":{{"language":"en"}}}}'
curl -sS {batch}/jobs -H 'Authorization: Bearer {key}'

# Mint a temporary key that a browser may hold
curl -sS '{management}/v1/api_keys?type=rt' -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' -d '{{"ttl":60}}'

# The realtime WebSocket with a temporary key (good for an hour)
{realtime}?jwt={temporary_key}

# Python: pip install speechmatics-batch
python3 - <<'EOF'
import asyncio
from speechmatics.batch import AsyncClient

async def main():
    async with AsyncClient(api_key="{key}", url="{batch}") as client:
        result = await client.transcribe("hello.wav")
        print(result.transcript_text)

asyncio.run(main())
EOF

# JavaScript: npm install @speechmatics/auth @speechmatics/real-time-client ws
node --input-type=module - <<'EOF'
import {{ readFileSync }} from "node:fs";
import WebSocket from "ws";
import {{ createSpeechmaticsJWT }} from "@speechmatics/auth";
import {{ RealtimeClient }} from "@speechmatics/real-time-client";

globalThis.WebSocket ??= WebSocket;
const jwt = await createSpeechmaticsJWT({{
  type: "rt", apiKey: "{key}", ttl: 60, managementPlatformURL: "{management}/v1",
}});
const client = new RealtimeClient({{ url: "{realtime}" }});
client.addEventListener("receiveMessage", ({{ data }}) => {{
  if (data.message === "AddTranscript") process.stdout.write(data.metadata.transcript);
}});
await client.start(jwt, {{
  audio_format: {{ type: "raw", encoding: "pcm_s16le", sample_rate: 16000 }},
  transcription_config: {{ language: "en" }},
}});
client.sendAudio(readFileSync("hello.wav").subarray(44));
await client.stopRecognition();
console.log();
EOF
"#,
        portal = report.portal_url,
        batch = report.batch_url,
        key = report.api_key,
        management = report.management_url,
        realtime = report.realtime_url,
        temporary_key = temporary_key.as_str(),
    );
    Ok(())
}
