//! A span for each request, as far as traces are on.

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};

use crate::traces::Traces;

/// The same routes, each of whose requests is a span.
pub(super) fn traced<S>(routes: Router<S>, traces: &Traces) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    match traces.is_on() {
        true => routes.route_layer(from_fn_with_state(traces.clone(), request)),
        false => routes,
    }
}

async fn request(State(traces): State<Traces>, mut request: Request, next: Next) -> Response {
    // Of the path only what the table of routes says: some are secrets.
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let span = traces.request(request.method(), route, request.headers());
    request.extensions_mut().insert(span.clone());
    let answer = next.run(request).await;
    span.answered(answer.status());
    answer
}
