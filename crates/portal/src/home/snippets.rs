//! Programs to copy, with the addresses of this instance in them. Each reads the API key from `API_KEY`.

use crate::Endpoints;

/// A program to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snippet {
    /// Its name in ids.
    pub(crate) id: &'static str,
    /// What it does, and in which language.
    pub(crate) title: &'static str,
    /// What it needs, if anything.
    pub(crate) needs: &'static str,
    /// The program.
    pub(crate) text: String,
}

/// The programs, those first that need least.
pub(crate) fn snippets(endpoints: &Endpoints) -> Vec<Snippet> {
    let mut all = vec![batch_curl(endpoints), batch_python(endpoints), mint_curl(endpoints)];
    if let Some(realtime_url) = &endpoints.realtime_url {
        all.push(realtime_python(realtime_url));
        all.push(realtime_javascript(endpoints, realtime_url));
        all.push(realtime_browser(realtime_url));
    }
    all
}

fn batch_curl(endpoints: &Endpoints) -> Snippet {
    let text = format!(
        r#"curl {batch_url}/jobs \
  -H "Authorization: Bearer $API_KEY" \
  -F data_file=@hello.wav \
  -F config='{{"type":"transcription","transcription_config":{{"language":"en"}}}}'"#,
        batch_url = endpoints.batch_url
    );
    Snippet { id: "batch-curl", title: "curl: transcribe a file", needs: "", text }
}

fn batch_python(endpoints: &Endpoints) -> Snippet {
    let text = format!(
        r#"import asyncio
import os

from speechmatics.batch import AsyncClient


async def main():
    async with AsyncClient(api_key=os.environ["API_KEY"], url="{batch_url}") as client:
        transcript = await client.transcribe("hello.wav")
        print(transcript.transcript_text)


asyncio.run(main())"#,
        batch_url = endpoints.batch_url
    );
    Snippet {
        id: "batch-python",
        title: "Python: transcribe a file",
        needs: "pip install speechmatics-batch",
        text,
    }
}

fn mint_curl(endpoints: &Endpoints) -> Snippet {
    let text = format!(
        r#"curl "{management_url}/v1/api_keys?type=rt" \
  -H "Authorization: Bearer $API_KEY" \
  -H "Content-Type: application/json" \
  -d '{{"ttl": 60}}'"#,
        management_url = endpoints.management_url
    );
    Snippet { id: "mint-curl", title: "curl: make a temporary key for a browser", needs: "", text }
}

fn realtime_python(realtime_url: &str) -> Snippet {
    let text = format!(
        r#"import asyncio
import os

from speechmatics.rt import AsyncClient, ServerMessageType


async def main():
    async with AsyncClient(api_key=os.environ["API_KEY"], url="{realtime_url}") as client:

        @client.on(ServerMessageType.ADD_TRANSCRIPT)
        def heard(message):
            print(message["metadata"]["transcript"])

        with open("hello.wav", "rb") as sound:
            await client.transcribe(sound)


asyncio.run(main())"#
    );
    Snippet {
        id: "realtime-python",
        title: "Python: transcribe live",
        needs: "pip install speechmatics-rt",
        text,
    }
}

fn realtime_javascript(endpoints: &Endpoints, realtime_url: &str) -> Snippet {
    let text = format!(
        r#"import {{ readFile }} from "node:fs/promises";
import {{ createSpeechmaticsJWT }} from "@speechmatics/auth";
import {{ RealtimeClient }} from "@speechmatics/real-time-client";

const temporaryKey = await createSpeechmaticsJWT({{
  type: "rt",
  apiKey: process.env.API_KEY,
  managementPlatformURL: "{management_url}/v1",
}});
const client = new RealtimeClient({{ url: "{realtime_url}" }});
client.addEventListener("receiveMessage", ({{ data }}) => {{
  if (data.message === "AddTranscript") console.log(data.metadata.transcript);
}});
await client.start(temporaryKey, {{
  audio_format: {{ type: "file" }},
  transcription_config: {{ language: "en" }},
}});
client.sendAudio(await readFile("hello.wav"));
await client.stopRecognition();"#,
        management_url = endpoints.management_url
    );
    Snippet {
        id: "realtime-javascript",
        title: "JavaScript: transcribe live",
        needs: "npm install @speechmatics/auth @speechmatics/real-time-client",
        text,
    }
}

fn realtime_browser(realtime_url: &str) -> Snippet {
    let text = format!(
        r#"// /temporary-key is a route of your own server: it makes a temporary key with your API key, which never leaves it.
const temporaryKey = await (await fetch("/temporary-key", {{ method: "POST" }})).text();
const socket = new WebSocket(`{realtime_url}?jwt=${{temporaryKey}}`);
socket.onmessage = ({{ data }}) => console.log(data);
socket.onopen = () =>
  socket.send(JSON.stringify({{
    message: "StartRecognition",
    audio_format: {{ type: "file" }},
    transcription_config: {{ language: "en" }},
  }}));
// After "RecognitionStarted": send pieces of sound with socket.send(piece), then
// {{"message": "EndOfStream", "last_seq_no": <how many pieces>}}."#
    );
    Snippet { id: "realtime-browser", title: "Browser: transcribe live", needs: "", text }
}
