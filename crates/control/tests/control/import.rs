//! Keys that were made elsewhere: what a file may say, what is taken in, and what happens when it is taken in again.

use control::{
    Actor, IMPORT_LINE_BYTES_MAX, ImportError, ImportFileError, ImportFormat, ImportReport, ImportRow,
    ImportRows, LineProblem, NewKey,
};
use credentials::hash_secret;
use domain::limits::IMPORT_BATCH_KEYS_MAX;
use domain::{
    Area, AreaSet, ClientRef, Networks, Plan, Product, ProductSet, ProjectId, Reason, Region, SecretHash,
    Timestamp,
};
use proptest::prelude::*;
use storage::AuditAction;

use crate::support::{ACTOR, Follower, Instance, reason, request, start_time, verify};

const PROJECT: ProjectId = ProjectId::new(7);
const KEY: &str = "sk_live_4eC39HqLyjWDarjtT1zdp7dc";
const OTHER: &str = "0dKxW2pQ8sVbN4mZ7rTc1yLf9aHgE3j";

fn rows(text: &str, format: ImportFormat) -> Vec<Result<ImportRow, LineProblem>> {
    ImportRows::open(text.as_bytes(), format, PROJECT).unwrap().collect()
}

fn csv(text: &str) -> Vec<Result<ImportRow, LineProblem>> {
    rows(text, ImportFormat::Csv)
}

fn row(line: u64, key: &str) -> ImportRow {
    ImportRow {
        line,
        hash: hash_secret(key),
        name: String::from("Imported key"),
        project: PROJECT,
        areas: None,
        products: None,
        expires_at: None,
        networks: Networks::default(),
        client_ref: None,
    }
}

/// Both formats say the same: every column is read, in any order, and what is left out is left out.
#[test]
fn every_column_is_read() {
    let expected = ImportRow {
        name: String::from("Call centre, Bern"),
        project: ProjectId::new(12),
        areas: Some(AreaSet::EMPTY.with(Area::Eu).with(Area::Usa)),
        products: Some(ProductSet::EMPTY.with(Product::Rt)),
        expires_at: Some(Timestamp::from_seconds(1_900_000_000)),
        networks: Networks(vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::1/128".parse().unwrap()]),
        client_ref: Some(ClientRef::new("user-1").unwrap()),
        ..row(2, KEY)
    };
    let header = "client_ref,NAME, key,project,areas,products,expires_at,networks,sha256\r\n";
    let time = expected.expires_at.unwrap();
    let line =
        format!("user-1,\"Call centre, Bern\",{KEY},12,eu usa,rt,{time},192.0.2.0/24;2001:db8::1,\r\n");
    assert_eq!(
        csv(&format!("\u{feff}{header}{line}\r\n,,,,,,,,{}\n", hash_secret(OTHER).to_hex())),
        [Ok(expected.clone()), Ok(row(4, OTHER)),]
    );
    let json = format!(
        "{{\"name\":\"Call centre, Bern\",\"key\":\"{KEY}\",\"project\":12,\"areas\":[\"eu\",\"usa\"],\"products\":\"rt\",\
         \"expires_at\":\"{time}\",\"networks\":[\"192.0.2.0/24\",\"2001:db8::1\"],\"client_ref\":\"user-1\"}}\n\n\
         {{\"sha256\":\"{}\",\"name\":null}}",
        hash_secret(OTHER).to_hex()
    );
    assert_eq!(
        rows(&json, ImportFormat::JsonLines),
        [Ok(ImportRow { line: 1, ..expected }), Ok(row(3, OTHER))]
    );
}

/// Every line that is wrong is told with its number and what was expected, the good ones between them are read, and no
/// problem shows a key.
#[test]
fn every_problem_is_told_with_its_line() {
    let text = format!(
        "name,key,areas,expires_at,networks,project\n\
         a,{KEY},,,,\n\
         b,short,,,,\n\
         c,,,,,\n\
         d,{OTHER},eu1,,,\n\
         e,{OTHER},\",\",,,\n\
         f,{OTHER},,tomorrow,,\n\
         g,{OTHER},,,somewhere,\n\
         h,{OTHER},,,,one\n\
         i,{OTHER}\n\
         j,{OTHER},,,,\n\
         k,,,,,{OTHER}\n"
    );
    let read = csv(&text);
    let problems: Vec<(u64, &str)> = read
        .iter()
        .filter_map(|row| row.as_ref().err())
        .map(|problem| (problem.line, problem.problem.as_str()))
        .collect();
    assert_eq!(read.iter().filter(|row| row.is_ok()).count(), 2);
    let expected = [
        (3, "the key has 5 characters"),
        (4, "neither a key nor a sha256"),
        (5, "areas: expected some of eu, usa, au, found \"eu1\""),
        (6, "areas: expected some of eu, usa, au"),
        (7, "expires_at: expected a time as in 2027-01-31T00:00:00Z"),
        (8, "networks: expected networks as in 192.0.2.0/24"),
        (9, "project: expected a project's number, found \"one\""),
        (10, "it has 2 columns, and the header has 6"),
        (12, "project: expected a project's number"),
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:?}");
    for ((line, problem), (expected_line, part)) in problems.into_iter().zip(expected) {
        assert!(line == expected_line && problem.contains(part), "line {line}: {problem}");
        assert!(!problem.contains(OTHER));
    }
    let json = format!(
        "{{\"key\":\"{KEY}\",\"expire_at\":\"x\"}}\n[]\nnonsense\n{{\"key\":\"{KEY}\"}}\n{{\"areas\":[],\"key\":\"{KEY}\"}}"
    );
    let told: Vec<Option<u64>> = rows(&json, ImportFormat::JsonLines)
        .into_iter()
        .map(|row| row.err().map(|problem| problem.line))
        .collect();
    assert_eq!(told, [Some(1), Some(2), Some(3), None, Some(5)]);
}

/// A file without a header, or with a wrong one, is no import; the message shows no key that stands in its place.
#[test]
fn a_header_is_needed() {
    for (text, part) in [
        (format!("{KEY},a\n"), "column 1"),
        (String::from("name,areas\n"), "key or sha256 is missing"),
        (String::from("key,key\n"), "named twice"),
        (String::new(), "key or sha256 is missing"),
    ] {
        let error = ImportRows::open(text.as_bytes(), ImportFormat::Csv, PROJECT).unwrap_err();
        let said = error.to_string();
        assert!(matches!(error, ImportFileError::Header { .. }) && said.contains(part), "{said}");
        assert!(!said.contains(KEY));
    }
}

/// A line without an end costs bounded memory in both formats: the file is given up there, and what came before was read.
#[test]
fn endless_lines_are_refused() {
    let long = "x".repeat(IMPORT_LINE_BYTES_MAX * 4);
    for (text, format) in [
        (format!("key\n{KEY}\n{long}\n{OTHER}\n"), ImportFormat::Csv),
        (format!("{{\"key\":\"{KEY}\"}}\n{long}\n"), ImportFormat::JsonLines),
    ] {
        // As a file is read: not everything at once.
        let small = SmallReads(text.as_bytes());
        let read: Vec<_> = ImportRows::open(small, format, PROJECT).unwrap().collect();
        assert_eq!(read.len(), 2);
        assert!(read[0].is_ok());
        let problem = read[1].as_ref().unwrap_err();
        assert!(problem.problem.contains("at most 16384 bytes"), "{problem}");
    }
}

struct SmallReads<'a>(&'a [u8]);

impl std::io::Read for SmallReads<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(10).min(self.0.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

proptest! {
    /// Any bytes are read to the end, in both formats, with rising line numbers and without a key in any problem.
    #[test]
    fn any_file_is_read(
        lines in prop::collection::vec(
            prop_oneof![
                Just(format!("a,{KEY},eu")), Just(format!("{{\"key\":\"{KEY}\"}}")), "[ -~]{0,40}", "\\PC{0,20}", Just(String::from("\"")),
            ],
            0..12,
        ),
        tail in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut bytes = lines.join("\n").into_bytes();
        bytes.extend(tail);
        for format in [ImportFormat::Csv, ImportFormat::JsonLines] {
            let header: &[u8] = if format == ImportFormat::Csv { b"name,key,areas\n" } else { b"" };
            let text = [header, &bytes].concat();
            let Ok(read) = ImportRows::open(text.as_slice(), format, PROJECT) else { continue };
            let mut last = 0;
            for row in read {
                let line = match row {
                    Ok(row) => row.line,
                    Err(problem) => {
                        prop_assert!(!problem.problem.contains(KEY));
                        problem.line
                    }
                };
                prop_assert!(line >= last);
                last = line;
            }
        }
    }
}

fn import_rows(project: ProjectId, keys: &[&str]) -> Vec<ImportRow> {
    keys.iter().zip(1..).map(|(key, line)| ImportRow { project, ..row(line, key) }).collect()
}

/// Imported keys work at once, here and at a gateway, as what their line says, and mint; they have one feed entry and one
/// audit event, and nothing of them is shown.
#[tokio::test]
async fn imported_keys_work_at_once() {
    let instance = Instance::new().await;
    let gateway = Follower::attach(&instance.control, "eu1/a");
    let (workspace, project) = instance.workspace(Plan::Enterprise).await;
    let token_like = "SG.ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf-09kqeF8tAmbihYzrnopKc";
    let mut rows = import_rows(project.id, &[KEY, OTHER, token_like]);
    rows[1].areas = Some(AreaSet::EMPTY.with(Area::Usa));
    rows[1].client_ref = Some(ClientRef::new("user-1").unwrap());
    let before = instance.control.tables().revision();
    let report = instance.control.import_keys(&ACTOR, workspace.id, rows).await.unwrap();
    assert_eq!(
        (report.imported, report.known, report.refused.len(), report.revision.0),
        (3, 0, 0, before.0 + 1)
    );
    let now = instance.control.now();
    let at = |key: &str, region| verify(&gateway.tables, key, Product::Batch, region, now);
    assert!(at(KEY, Region::Eu1).is_ok());
    assert!(at(token_like, Region::Eu1).is_ok(), "a key that looks like a token is a key");
    assert_eq!(at(OTHER, Region::Us1).unwrap().client_ref().map(ClientRef::as_str), Some("user-1"));
    assert_eq!(reason(at(OTHER, Region::Eu1)), Reason::WrongArea);
    assert_eq!(
        reason(at("0dKxW2pQ8sVbN4mZ7rTc1yLf9aHgE3k", Region::Eu1)),
        Reason::CredentialUnknown,
        "control"
    );
    let minted = instance.mint(KEY, &request(Product::Batch)).unwrap();
    assert!(at(&minted.key_value, Region::Eu1).is_ok());

    let keys = instance.control.list_keys(workspace.id, Some(project.id)).await.unwrap();
    assert!(keys.iter().all(|key| key.imported_at == Some(now) && key.hint.starts_with("sha256:")));
    assert!(!format!("{keys:?}").contains(&KEY[KEY.len() - 4..]), "not even its end is shown");
    let events = instance.control.list_audit_events(workspace.id, 0, 100).await.unwrap();
    let imports: Vec<_> =
        events.iter().filter(|event| event.action == AuditAction::ApiKeysImported).collect();
    assert_eq!(imports.len(), 1);
    assert_eq!(imports[0].detail, "3 imported, 0 known before, 0 refused");
    let revoked = instance.control.revoke_key(&ACTOR, workspace.id, keys[0].id).await;
    assert!(revoked.is_ok());
    assert!(
        instance
            .control
            .rotate_key(&ACTOR, workspace.id, keys[1].id, 0)
            .await
            .unwrap()
            .secret
            .expose()
            .starts_with("vgk_")
    );
}

/// Importing again changes nothing, revives nothing and is told as such; what belongs to others, or can't be, is refused with
/// its line, and all else of the batch is taken in.
#[tokio::test]
async fn an_import_can_be_repeated() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let (other, elsewhere) = instance.workspace(Plan::Pro).await;
    let foreign = instance.key(&other, NewKey::named(elsewhere.id, "k")).await.secret;
    let import = async |rows| instance.control.import_keys(&ACTOR, workspace.id, rows).await.unwrap();
    let rows = import_rows(project.id, &[KEY, OTHER, KEY]);
    let checked = instance.control.check_import(workspace.id, &rows).await.unwrap();
    assert_eq!((checked.imported, checked.known), (2, 1), "a check foretells it");
    assert!(instance.control.list_keys(workspace.id, None).await.unwrap().is_empty(), "and does nothing");
    let first = import(rows.clone()).await;
    assert_eq!(first, ImportReport { revision: first.revision, ..checked });
    let key = instance.control.list_keys(workspace.id, None).await.unwrap().remove(0);
    instance.control.revoke_key(&ACTOR, workspace.id, key.id).await.unwrap();
    let revision = instance.control.tables().revision();
    let again = import(rows).await;
    assert_eq!(again, ImportReport { imported: 0, known: 3, refused: Vec::new(), revision });
    let stored = instance.control.list_keys(workspace.id, None).await.unwrap();
    assert_eq!(
        stored.iter().filter(|key| key.state.revoked_at().is_some()).count(),
        1,
        "what is revoked stays so"
    );

    let fresh = "AKIAIOSFODNN7EXAMPLE+wJalrXUtnFEMI";
    let mut rows = import_rows(project.id, &[foreign.expose(), "x1", "x2", "x3", "x4", "x5", fresh, "x6"]);
    rows[1].project = elsewhere.id;
    rows[2].areas = Some(AreaSet::all());
    rows[3].expires_at = Some(start_time());
    rows[4].name = "n".repeat(121);
    rows[5].networks = Networks(vec!["10.0.0.0/8".parse().unwrap(); 9]);
    rows[7].products = Some(ProductSet::EMPTY);
    let checked = instance.control.check_import(workspace.id, &rows).await.unwrap();
    let mixed = import(rows).await;
    assert_eq!((mixed.imported, mixed.known), (1, 0));
    assert_eq!(mixed.refused, checked.refused);
    let lines: Vec<u64> = mixed.refused.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [1, 2, 3, 4, 5, 6, 8]);
    assert!(mixed.refused[0].problem.contains("another project"));
    assert!(instance.verify(fresh, Product::Rt, Region::Eu1).is_ok());
    assert_eq!(instance.verify(foreign.expose(), Product::Rt, Region::Eu1).unwrap().workspace_id(), other.id);
}

/// Batches have a limit, and only the workspace's own operator's call reaches it.
#[tokio::test]
async fn batches_have_a_limit() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let many = |count: usize| -> Vec<ImportRow> {
        (0..count)
            .map(|number| {
                let mut hash = [0; 32];
                hash[..8].copy_from_slice(&(number as u64).to_be_bytes());
                ImportRow { hash: SecretHash::from_bytes(hash), project: project.id, ..row(1, KEY) }
            })
            .collect()
    };
    let too_many = instance.control.import_keys(&ACTOR, workspace.id, many(IMPORT_BATCH_KEYS_MAX + 1)).await;
    assert!(matches!(too_many, Err(ImportError::TooLarge)));
    let nobody = domain::WorkspaceId::from_u128(1);
    let unknown = instance.control.import_keys(&Actor::OPERATOR, nobody, many(1)).await;
    assert!(matches!(unknown, Err(ImportError::WorkspaceNotFound)));
    let whole =
        instance.control.import_keys(&ACTOR, workspace.id, many(IMPORT_BATCH_KEYS_MAX)).await.unwrap();
    assert_eq!(whole.imported, IMPORT_BATCH_KEYS_MAX as u64);
    assert_eq!(instance.control.tables().api_keys(), IMPORT_BATCH_KEYS_MAX);
    // They take no place of those that are made here.
    instance.key(&workspace, NewKey::named(project.id, "one more")).await;
}
