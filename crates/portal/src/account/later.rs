//! What is done beside an answer, so that the answer doesn't tell what was found.

use std::time::Duration;

/// How long an answer waits for what is done beside it, in milliseconds: always this long, whether it is done or not. It
/// usually is, so that whoever goes on at once finds it done.
const ANSWER_MILLIS: u64 = 250;

/// Does something beside the answer, which waits equally long whatever it finds.
pub(super) async fn beside_the_answer<F>(work: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    drop(tokio::spawn(work));
    tokio::time::sleep(Duration::from_millis(ANSWER_MILLIS)).await;
}
