//! Every route, and the OpenAPI document that is made of them.

use axum::Router;
use tokio_util::task::TaskTracker;
use utoipa::openapi::PathItem;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use super::problem::Problem;
use super::state::Http;
use super::{layers, openai, operations, v1};
use crate::app::App;
use crate::web;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Chatbot",
        description = "Answers questions from your documents. Errors are RFC 9457 problem documents; every answer carries `X-Request-Id`.",
    ),
    modifiers(&Schemes),
    security(("apiKey" = []), ("login" = [])),
    tags(
        (name = "auth", description = "Logging in and out"),
        (name = "api-keys", description = "Keys for programs"),
        (name = "users", description = "People, and what they did; for admins"),
        (name = "chat", description = "Questions and answers"),
        (name = "conversations", description = "What was said"),
        (name = "openai", description = "The OpenAI API, for programs that speak it; errors have OpenAI's shape"),
        (name = "documents", description = "What answers are made from"),
        (name = "operations", description = "For machines and those who look after them"),
    )
)]
struct Document;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = |format: &str, description: &str| {
            let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format(format);
            SecurityScheme::Http(scheme.description(Some(description)).build())
        };
        let key = "An API key; the header `X-API-Key` takes it too. What is named beside it in an operation is the scope that it needs.";
        let login = "The access token of /api/v1/auth/login. What is named beside it in an operation is the role that it needs.";
        let cookie = ApiKeyValue::with_description("chatbot_refresh", "The refresh token, which a login sets.");
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("apiKey", bearer("cbk_…", key));
        components.add_security_scheme("login", bearer("JWT", login));
        components.add_security_scheme("refreshCookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// The HTTP service; answers in the making are tracked by `answers`.
pub fn router(app: App, answers: TaskTracker) -> Router {
    let http = Http::new(app, answers);
    let (api, _) = api().split_for_parts();
    let (operations, _) = operations::routes().split_for_parts();
    let docs = SwaggerUi::new("/docs").url("/openapi.json", openapi());
    let operations = operations.merge(docs).merge(web::routes());
    let service = layers::apply(api, operations, &http);
    service.with_state(http)
}

/// The OpenAPI document that /openapi.json serves.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = api().into_openapi().merge_from(operations::routes().into_openapi());
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in methods(item) {
            operation.operation_id = Some(operation_id(method, path));
        }
    }
    document
}

/// The operations of a path.
fn methods(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    let methods = [("get", get), ("put", put), ("post", post), ("delete", delete), ("patch", patch)];
    methods.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Names of handlers repeat themselves from noun to noun; programs that are made from the document need one of each.
fn operation_id(method: &str, path: &str) -> String {
    let parts = path.split(['/', '{', '}', '-']).filter(|part| !part.is_empty());
    std::iter::once(method).chain(parts).collect::<Vec<_>>().join("_")
}

fn api() -> OpenApiRouter<Http> {
    OpenApiRouter::with_openapi(Document::openapi()).nest("/api/v1", v1::routes()).nest("/v1", openai::routes())
}

/// What no route is there for.
pub(super) async fn not_found() -> Problem {
    Problem::NoRoute
}

/// What no method is there for.
pub(super) async fn method_not_allowed() -> Problem {
    Problem::MethodNotAllowed
}
