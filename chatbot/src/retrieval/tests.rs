//! Documents in three languages, indexed and searched in Qdrant: does the question find its chunk?

use std::net::SocketAddr;

use jiff::Timestamp;
use secrecy::SecretString;
use test_qdrant::Own;
use uuid::Uuid;

use super::embed::Embedder;
use super::{Found, IndexError, Indexer, Mode, SearchError, Searcher};
use crate::config::embedding::Embedding;
use crate::config::qdrant::Qdrant as Server;
use crate::store::chunks::Chunk;
use crate::store::documents::{Document, Stage, Status};
use crate::vectors::{Qdrant, VectorError};

const SARA: Uuid = Uuid::from_bytes([0xaa; 16]);
const ENGLISH: &str = include_str!("../../../tests/fixtures/documents/handbook.md");
const PERSIAN: &str = include_str!("../../../tests/fixtures/documents/rahnama-fa.md");
const ARABIC: &str = include_str!("../../../tests/fixtures/documents/dalil-ar.md");

struct World {
    indexer: Indexer,
    searcher: Searcher,
    qdrant: Qdrant,
    _server: Own,
}

async fn world(embedding: &Embedding) -> World {
    drop(rustls::crypto::ring::default_provider().install_default());
    let own = Own::start(None).await;
    let server = Server { url: own.url().parse().unwrap(), api_key: own.api_key().map(SecretString::from) };
    let qdrant = Qdrant::from_parts(&server, own.prefix(), embedding).unwrap();
    let embedder = Embedder::new(embedding).unwrap();
    World {
        indexer: Indexer::new(qdrant.clone(), embedder.clone()),
        searcher: Searcher::new(qdrant.clone(), embedder),
        qdrant,
        _server: own,
    }
}

async fn search(searcher: &Searcher, question: &str) -> Result<Found, SearchError> {
    searcher.search(SARA, &searcher.read(question).await, 3).await
}

fn document(number: u8, title: &str) -> Document {
    let at: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    Document {
        id: Uuid::from_bytes([number; 16]),
        user_id: SARA,
        title: title.to_owned(),
        media_type: "text/markdown".to_owned(),
        bytes: 0,
        sha256: String::new(),
        object_key: String::new(),
        status: Status::Processing,
        error: None,
        chunk_count: 0,
        stage: Stage::Embedding,
        progress: 0,
        version: 1,
        is_superseded: false,
        created_at: at,
        updated_at: at,
    }
}

async fn library(world: &World) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    for (number, title, text) in
        [(1, "handbook.md", ENGLISH), (2, "rahnama-fa.md", PERSIAN), (3, "dalil-ar.md", ARABIC)]
    {
        // One chunk per section, so that finding the right one means something.
        for (section, text) in (0..).zip(text.split("\n## ").skip(1)) {
            let document = document(number * 16 + section, title);
            chunks.extend(world.indexer.index(&document, text.to_owned(), &()).await.unwrap());
        }
    }
    chunks
}

#[tokio::test(flavor = "multi_thread")]
async fn each_question_finds_its_passage_first_however_it_is_spelled() {
    let world = world(&Embedding::None).await;
    let chunks = library(&world).await;
    let table = [
        ("When does the office open?", "Working hours"),
        ("How many days of paid leave do I have?", "Holidays"),
        ("broken laptop screens", "Equipment"),
        ("ARE FLIGHTS APPROVED BY THE DIRECTOR", "Travel"),
        ("ساعت کار دفتر چیست؟", "ساعت کار"),
        ("ساعت كار دفتر چيست", "ساعت کار"),
        ("مرخصی سالانه چند روز است", "مرخصی"),
        ("۲۶ روز", "مرخصی"),
        ("26 روز", "مرخصی"),
        ("جریمه دیرکرد كتاب", "کتابخانه"),
        ("کتابهای مرجع", "کتابخانه"),
        ("کتاب های مرجع", "کتابخانه"),
        ("متى يفتح المكتب؟", "ساعات العمل"),
        ("كم يوما من الاجازه المدفوعه في السنه", "الإجازات"),
        ("غرامة التأخير عن كتب المكتبة", "المكتبة"),
        ("تعطلت شاشة الحاسوب", "الأجهزة"),
    ];
    for (question, heading) in table {
        let found = search(&world.searcher, question).await.unwrap();
        let first = found.nearest.first().unwrap_or_else(|| panic!("{question}: nothing found"));
        let chunk = chunks.iter().find(|chunk| chunk.id == first.id).unwrap();
        assert!(chunk.text.starts_with(heading), "{question}: {}", chunk.text);
        assert_eq!(found.mode, Mode::Words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn indexing_again_changes_nothing_and_a_shorter_text_leaves_no_rest() {
    let world = world(&Embedding::None).await;
    let document = document(1, "notes.md");
    let long = "A sentence about the harbour. ".repeat(200);
    let once = world.indexer.index(&document, long.clone(), &()).await.unwrap();
    let twice = world.indexer.index(&document, long.clone(), &()).await.unwrap();
    assert_eq!(once, twice);
    assert!(once.len() > 3);
    assert_eq!(usize::try_from(world.qdrant.count_document(document.id).await.unwrap()).unwrap(), once.len());
    world.indexer.index(&document, "Only the lighthouse is left.".to_owned(), &()).await.unwrap();
    assert_eq!(world.qdrant.count_document(document.id).await.unwrap(), 1);
    world.indexer.remove(document.id).await.unwrap();
    assert_eq!(world.qdrant.count_document(document.id).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_without_words_is_given_up_and_an_outage_is_not() {
    let world = world(&Embedding::None).await;
    let error = world.indexer.index(&document(1, "blank.md"), " \n ".to_owned(), &()).await.unwrap_err();
    assert!(matches!(error, IndexError::Empty) && error.for_owner().is_some());
    let server = Server { url: "http://127.0.0.1:1".parse().unwrap(), api_key: None };
    let qdrant = Qdrant::from_parts(&server, "dev_", &Embedding::None).unwrap();
    let error =
        Indexer::new(qdrant, Embedder::None).index(&document(1, "a.md"), "text".to_owned(), &()).await.unwrap_err();
    assert!(error.for_owner().is_none(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_embedder_that_fails_leaves_a_search_by_words() {
    let world = world(&Embedding::None).await;
    library(&world).await;
    let broken = Embedder::new(&Embedding::Local { model_dir: "/nowhere".into(), dimensions: 384 }).unwrap();
    let found = search(&Searcher::new(world.qdrant.clone(), broken), "paid leave").await.unwrap();
    assert_eq!(found.mode, Mode::Words);
    assert!(!found.nearest.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_made_for_another_embedder_is_still_written_and_searched_by_words() {
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let upstream = test_upstream::start(test_upstream::Settings { address, dimensions: 64 }).await.unwrap();
    let embedding = Embedding::Upstream {
        base_url: upstream.base_url().parse().unwrap(),
        model: "scripted".to_owned(),
        api_key: None,
        dimensions: 64,
    };
    for made_for in [Embedding::None, Embedding::Local { model_dir: "/".into(), dimensions: 32 }] {
        let world = world(&made_for).await;
        world.qdrant.ensure_collections().await.unwrap();
        let embedder = Embedder::new(&embedding).unwrap();
        let indexer = Indexer::new(world.qdrant.clone(), embedder.clone());
        indexer.index(&document(1, "notes.md"), "The lighthouse is red.".to_owned(), &()).await.unwrap();
        let found = search(&Searcher::new(world.qdrant.clone(), embedder), "lighthouse").await.unwrap();
        assert_eq!((found.mode, found.nearest.len()), (Mode::Words, 1), "{made_for:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_collection_is_told_and_not_taken_for_an_empty_one() {
    let world = world(&Embedding::None).await;
    let missing = search(&world.searcher, "anything").await;
    assert!(matches!(missing, Err(SearchError::Vectors(VectorError::CollectionMissing(_)))), "{missing:?}");
    world.qdrant.ensure_collections().await.unwrap();
    for question in ["anything", "؟!"] {
        assert_eq!(search(&world.searcher, question).await.unwrap().nearest, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn meaning_finds_what_shares_no_word() {
    let Some(model_dir) = std::env::var_os("EMBEDDING_MODEL_DIR") else {
        println!("skipped: EMBEDDING_MODEL_DIR is not set; `make test` fetches the model and sets it");
        return;
    };
    let world = world(&Embedding::Local { model_dir: model_dir.into(), dimensions: 384 }).await;
    let chunks = library(&world).await;
    let found = search(&world.searcher, "vacation allowance").await.unwrap();
    let first = chunks.iter().find(|chunk| chunk.id == found.nearest[0].id).unwrap();
    assert!(first.text.starts_with("Holidays"), "{}", first.text);
    assert_eq!(found.mode, Mode::Hybrid);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_embedder_that_does_not_answer_is_not_waited_for_again_at_once() {
    let world = world(&Embedding::None).await;
    library(&world).await;
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let embedding = Embedding::Upstream {
        base_url: format!("http://{}/v1", silent.local_addr().unwrap()).parse().unwrap(),
        model: "scripted".to_owned(),
        api_key: None,
        dimensions: 64,
    };
    let searcher = Searcher::new(world.qdrant.clone(), Embedder::new(&embedding).unwrap());
    search(&searcher, "paid leave").await.unwrap();
    let again = std::time::Instant::now();
    assert_eq!(search(&searcher, "paid leave").await.unwrap().mode, Mode::Words);
    assert!(again.elapsed() < std::time::Duration::from_secs(2), "{:?}", again.elapsed());
}
