//! Bodies of answers, read up to a limit: what a faulty or hostile server sends must not fill the memory.

use reqwest::Response;

/// Longer refusals help nobody.
const REFUSAL_LIMIT: usize = 64 << 10;

/// A body cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The connection.
    #[error(transparent)]
    Transport(#[from] reqwest::Error),
    /// It is larger than any answer should be.
    #[error("the answer exceeds {0} bytes")]
    TooLong(usize),
}

/// The whole body, if it has no more than `limit` bytes.
///
/// # Errors
/// See [`BodyError`]. A body without end is given up at the limit, one that announces more at once.
pub(crate) async fn read_limited(mut response: Response, limit: usize) -> Result<Vec<u8>, BodyError> {
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
    if announced > limit {
        return Err(BodyError::TooLong(limit));
    }
    let mut body = Vec::with_capacity(announced);
    while let Some(part) = response.chunk().await? {
        if body.len() + part.len() > limit {
            return Err(BodyError::TooLong(limit));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// The words of a refusal; none when they cannot be read.
pub(crate) async fn refusal(response: Response) -> String {
    let body = read_limited(response, REFUSAL_LIMIT).await.unwrap_or_default();
    String::from_utf8_lossy(&body).into_owned()
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::any;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::{BodyError, read_limited};

    #[tokio::test]
    async fn a_body_is_read_to_its_limit_and_no_further() {
        drop(rustls::crypto::ring::default_provider().install_default());
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_string("1234567890")).mount(&server).await;
        let client = reqwest::Client::builder().build().unwrap();
        let read = async |limit| read_limited(client.get(server.uri()).send().await.unwrap(), limit).await;
        assert_eq!(read(10).await.unwrap(), b"1234567890");
        assert!(matches!(read(9).await, Err(BodyError::TooLong(9))));
    }
}
