//! Memory for the bodies of requests: handlers hold them whole, so all of them together have a limit.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use super::problem::Problem;

/// Bytes of all bodies in work together, unless one upload alone may be larger.
const BODIES_IN_MEMORY: usize = 64 << 20;
/// A permit stands for so many bytes.
const UNIT: usize = 1 << 10;
const UPLOADS: &str = "/api/v1/documents";

/// What is left for bodies.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    units: Arc<Semaphore>,
    json_limit: usize,
    upload_limit: usize,
}

impl Budget {
    /// A budget for bodies of at most `json_limit` bytes, or `upload_limit` for documents.
    pub(super) fn new(json_limit: usize, upload_limit: usize) -> Self {
        let bytes = BODIES_IN_MEMORY.max(upload_limit).max(json_limit);
        Self { units: Arc::new(Semaphore::new(bytes.div_ceil(UNIT))), json_limit, upload_limit }
    }

    /// What the request may put into memory: what it announces, or all that its route reads.
    fn bytes(&self, request: &Request) -> usize {
        let is_upload = request.method() == Method::POST
            && request.extensions().get::<MatchedPath>().is_some_and(|path| path.as_str() == UPLOADS);
        let most = if is_upload { self.upload_limit } else { self.json_limit };
        let headers = request.headers();
        let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let unannounced = if headers.contains_key(header::TRANSFER_ENCODING) { most } else { 0 };
        announced.unwrap_or(unannounced).min(most)
    }
}

/// Refuses at once a body that there is no memory for; what is taken is given back with the answer.
pub(super) async fn limit_bodies(State(budget): State<Budget>, request: Request, next: Next) -> Response {
    let units = u32::try_from(budget.bytes(&request).div_ceil(UNIT)).unwrap_or(u32::MAX);
    match budget.units.try_acquire_many(units) {
        Ok(_held) => next.run(request).await,
        Err(_) => Problem::Busy.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use axum::routing::post;
    use axum::{Router, http::StatusCode};
    use tokio::sync::Notify;
    use tokio::task::JoinSet;
    use tower::ServiceExt;

    use super::*;

    const MIB: usize = 1 << 20;

    fn upload(announced: Option<usize>) -> Request {
        let request = Request::builder().method("POST").uri(UPLOADS);
        let request = match announced {
            Some(bytes) => request.header("content-length", bytes),
            None => request.header("transfer-encoding", "chunked"),
        };
        request.body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn uploads_that_do_not_fit_into_memory_together_are_sent_away_until_there_is_room() {
        let (begun, end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (entered, leave) = (Arc::clone(&begun), Arc::clone(&end));
        let handler = move || async move {
            entered.notify_one();
            leave.notified().await;
        };
        let layer = from_fn_with_state(Budget::new(MIB, 40 * MIB), limit_bodies);
        let router: Router = Router::new().route(UPLOADS, post(handler)).layer(layer);
        let mut first = JoinSet::new();
        first.spawn(router.clone().oneshot(upload(Some(30 * MIB))));
        begun.notified().await;
        for too_much in [Some(35 * MIB), None] {
            let refused = router.clone().oneshot(upload(too_much)).await.unwrap();
            assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE, "{too_much:?}");
            assert!(refused.headers().contains_key("retry-after"));
        }
        end.notify_one();
        assert_eq!(first.join_next().await.unwrap().unwrap().unwrap().status(), StatusCode::OK);
        end.notify_one();
        assert_eq!(router.oneshot(upload(Some(35 * MIB))).await.unwrap().status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn a_single_upload_of_the_largest_size_always_fits() {
        let layer = from_fn_with_state(Budget::new(MIB, 200 * MIB), limit_bodies);
        let router: Router = Router::new().route(UPLOADS, post(async || ())).layer(layer);
        assert_eq!(router.oneshot(upload(Some(300 * MIB))).await.unwrap().status(), StatusCode::OK);
    }
}
