//! HTTP/2: fields of connections, lengths that lie, pseudo-fields out of place (RFC 9113, section 8).

use super::control;
use crate::Fault;
use crate::arena::Arena;
use crate::arena::recorder::{CASE, Reached};
use crate::trial::{Trial, Verdict};
use crate::wire::http2::{CONTINUATION, DATA, END_HEADERS, END_STREAM, Ended, HEADERS, Http2, block, frame};

type Field = (Vec<u8>, Vec<u8>);

/// One case: its fields, and the frames of its body.
struct Case {
    name: String,
    fields: Vec<Field>,
    data: Vec<Vec<u8>>,
    trailers: Option<Vec<Field>>,
    /// Whether the part that is wrong is thrown away and the rest is served.
    is_cut: bool,
}

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    for one in cases(arena) {
        let case = format!("framing HTTP/2 {}", one.name);
        let (ended, reached) = send(arena, &case, &one).await;
        let refused =
            matches!(ended, Ended::Reset | Ended::Over | Ended::Answered(400 | 413 | 431 | 405 | 404));
        let verdict = match reached {
            // The library has taken away what is wrong before it is ours: a fragment, trailers. The resource must be the one
            // that was authorised, and nothing more may have come.
            Some(reached) if one.is_cut && reached.head.target == "/v2/jobs" && reached.body == b"hello" => {
                Verdict::Held
            }
            Some(reached) => Verdict::Reached(format!("{} {}", reached.head.method, reached.head.target)),
            None => Verdict::held_if(refused, || format!("{ended:?}")),
        };
        trial.attack(&case, verdict);
    }
    let good = Case {
        name: "control".to_owned(),
        fields: create(arena),
        data: vec![b"hello".to_vec()],
        trailers: None,
        is_cut: false,
    };
    let (ended, _) = send(arena, "control", &good).await;
    trial
        .control("an upload", if ended == Ended::Answered(201) { Ok(()) } else { Err(format!("{ended:?}")) });
    let with_length = Case {
        fields: [create(arena), vec![field("content-length", "5")]].concat(),
        data: vec![b"hello".to_vec()],
        name: "control".to_owned(),
        trailers: Some(vec![field("x-trailer", "a"), field("voxgate-project", "9")]),
        is_cut: false,
    };
    let (ended, _) = send(arena, "control", &with_length).await;
    trial.control(
        "an upload with its length, and trailers",
        if ended == Ended::Answered(201) { Ok(()) } else { Err(format!("{ended:?}")) },
    );
    control(arena, trial, "HTTP/1.1 beside it", &arena.good_request(&arena.mine.key).bytes(), &[200]).await;
    Ok(())
}

fn field(name: &str, value: &str) -> Field {
    (name.as_bytes().to_vec(), value.as_bytes().to_vec())
}

/// The fields of a create.
fn create(arena: &Arena) -> Vec<Field> {
    vec![
        field(":method", "POST"),
        field(":scheme", "http"),
        field(":authority", "localhost"),
        field(":path", "/v2/jobs"),
        field("authorization", &format!("Bearer {}", arena.mine.key)),
    ]
}

fn cases(arena: &Arena) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: String, fields: Vec<Field>, data: &[&[u8]], trailers: Option<Vec<Field>>| {
        let data = data.iter().map(|part| part.to_vec()).collect();
        let is_cut = name.ends_with("#x\"") || name.starts_with("trailer \":");
        cases.push(Case { name, fields, data, trailers, is_cut });
    };
    for (name, value) in [
        ("connection", "close"),
        ("connection", "x-request-id"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("te", "gzip"),
        ("te", "chunked"),
        ("transfer-encoding", "identity"),
        ("content-length", "+5"),
        ("content-length", "x"),
        ("content-length", "5, 5"),
        ("content-length", "4"),
        ("content-length", "6"),
        ("content-length", "0"),
        ("content-length", "18446744073709551621"),
        ("content-length", ""),
        ("content-length", "-5"),
        ("X-Upper", "a"),
        ("Host", "localhost"),
        ("host", "other"),
        ("x y", "a"),
        ("x:y", "a"),
        ("", "a"),
        ("x\r\ny", "a"),
        ("x", "a\r\nvoxgate-project: 9"),
        ("x", "a\nb"),
        ("x", "a\rb"),
        ("x", "a\0b"),
        ("x\0", "a"),
        (":unknown", "a"),
        (":status", "200"),
        (":protocol", "websocket"),
        (":path", "/v2/jobs/x"),
        (":method", "GET"),
        (":authority", "other"),
        (":scheme", "https"),
        ("content-length", "5\r\n"),
    ] {
        let fields = [create(arena), vec![field(name, value)]].concat();
        add(format!("with {name:?}: {value:?}"), fields, &[b"hello"], None);
    }
    for missing in [":method", ":scheme", ":path"] {
        let mut fields = create(arena);
        fields.retain(|(name, _)| name != missing.as_bytes());
        add(format!("without {missing}"), fields, &[b"hello"], None);
    }
    for (name, value) in [
        (":path", ""),
        (":path", "v2/jobs"),
        (":path", "*"),
        (":path", "//v2/jobs"),
        (":path", "/v2/jobs HTTP/1.1\r\nx: y"),
        (":path", "/v2/jobs#x"),
        (":path", "/v2/../v2/jobs"),
        (":path", "http://other/v2/jobs"),
        (":method", "CONNECT"),
        (":method", "P OST"),
        (":method", ""),
        (":method", "POST /x HTTP/1.1\r\n"),
        (":authority", "a@localhost"),
        (":authority", "local host"),
        (":scheme", "http\r\n"),
        (":method", "GET\0"),
        (":path", "/v2/jobs\0"),
    ] {
        let mut fields = create(arena);
        for (other, content) in &mut fields {
            if other == name.as_bytes() {
                *content = value.as_bytes().to_vec();
            }
        }
        add(format!("{name} is {value:?}"), fields, &[b"hello"], None);
    }
    let mut late = create(arena);
    late.rotate_left(1);
    let last = late.pop();
    late.insert(0, field("x", "a"));
    late.extend(last);
    add("pseudo-fields behind others".to_owned(), late, &[b"hello"], None);
    let two = [create(arena), vec![field("content-length", "5"), field("content-length", "6")]].concat();
    add("two lengths".to_owned(), two, &[b"hello"], None);
    for (name, value) in
        [(":method", "GET"), (":path", "/x"), ("Upper", "a"), ("connection", "close"), ("x", "a\r\nb")]
    {
        add(
            format!("trailer {name:?}: {value:?}"),
            create(arena),
            &[b"hello"],
            Some(vec![field(name, value)]),
        );
    }
    cases
}

async fn send(arena: &Arena, case: &str, one: &Case) -> (Ended, Option<Reached>) {
    // Names of cases hold what fields can't.
    let known: String =
        case.chars().map(|letter| if letter.is_ascii_graphic() { letter } else { '_' }).collect();
    let Ok(mut client) = Http2::connect(arena.home()).await else { return (Ended::Silence, None) };
    let mut fields = one.fields.clone();
    fields.push(field(CASE, &known));
    let whole = encode(&fields);
    // The head in two frames: what is refused in one must be refused in two.
    let (first, rest) = whole.split_at(whole.len() / 2);
    client.send(&frame(HEADERS, 0, 1, first)).await;
    client.send(&frame(CONTINUATION, END_HEADERS, 1, rest)).await;
    for (index, data) in one.data.iter().enumerate() {
        let is_last = index + 1 == one.data.len() && one.trailers.is_none();
        client.send(&frame(DATA, if is_last { END_STREAM } else { 0 }, 1, data)).await;
    }
    if let Some(trailers) = &one.trailers {
        client.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &encode(trailers))).await;
    }
    let ended = client.ended(1).await;
    let reached = arena.recorder.of(&known).into_iter().find(|reached| reached.is_whole);
    (ended, reached)
}

fn encode(fields: &[Field]) -> Vec<u8> {
    let fields: Vec<(&[u8], &[u8])> =
        fields.iter().map(|(name, value)| (name.as_slice(), value.as_slice())).collect();
    block(&fields)
}
