//! The body of `points/query` and what it means to the engine.

use qdrant_edge::external::ordered_float::OrderedFloat;
use qdrant_edge::{
    Filter, Fusion, NamedQuery, Prefetch, QueryEnum, QueryRequest, ScoringQuery, SearchParams, SparseVector,
    VectorInternal, WithPayloadInterface, WithVector,
};
use serde::Deserialize;

use crate::answer::Refusal;

/// The constant of reciprocal rank fusion that the server uses when a request names none.
const RRF_K: usize = 2;
const DEFAULT_LIMIT: usize = 10;
/// Deeper nesting serves no search, and would let a request use up the stack.
const MAX_DEPTH: usize = 4;

#[derive(Deserialize)]
pub(crate) struct QueryBody {
    #[serde(default)]
    prefetch: OneOrMany,
    query: Option<Query>,
    using: Option<String>,
    filter: Option<Filter>,
    score_threshold: Option<f32>,
    params: Option<SearchParams>,
    limit: Option<usize>,
    offset: Option<usize>,
    #[serde(default)]
    with_payload: Option<WithPayloadInterface>,
}

#[derive(Deserialize)]
pub(crate) struct PrefetchBody {
    #[serde(default)]
    prefetch: OneOrMany,
    query: Option<Query>,
    using: Option<String>,
    filter: Option<Filter>,
    score_threshold: Option<f32>,
    params: Option<SearchParams>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<PrefetchBody>),
    One(Box<PrefetchBody>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Query {
    Vector(Vector),
    Nearest { nearest: Vector },
    Fusion { fusion: FusionName },
    Rrf { rrf: RrfParams },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Vector {
    Dense(Vec<f32>),
    Sparse { indices: Vec<u32>, values: Vec<f32> },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum FusionName {
    Rrf,
    Dbsf,
}

#[derive(Deserialize)]
struct RrfParams {
    #[serde(default)]
    k: Option<usize>,
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl OneOrMany {
    fn into_prefetches(self, depth: usize) -> Result<Vec<Prefetch>, Refusal> {
        let bodies = match self {
            Self::Many(bodies) => bodies,
            Self::One(body) => vec![*body],
        };
        if !bodies.is_empty() && depth >= MAX_DEPTH {
            return Err(Refusal::WrongInput(format!("prefetches are nested more than {MAX_DEPTH} deep")));
        }
        bodies.into_iter().map(|body| body.into_prefetch(depth + 1)).collect()
    }
}

impl QueryBody {
    pub(crate) fn into_request(self) -> Result<QueryRequest, Refusal> {
        let prefetches = self.prefetch.into_prefetches(0)?;
        let query = self.query.map(|query| query.into_scoring(self.using)).transpose()?;
        if prefetches.is_empty() && matches!(query, Some(ScoringQuery::Fusion(_))) {
            return Err(Refusal::WrongInput("cannot apply Fusion without prefetches".to_owned()));
        }
        Ok(QueryRequest {
            prefetches,
            query,
            filter: self.filter,
            score_threshold: self.score_threshold.map(OrderedFloat),
            limit: self.limit.unwrap_or(DEFAULT_LIMIT),
            offset: self.offset.unwrap_or(0),
            params: self.params,
            with_vector: WithVector::Bool(false),
            with_payload: self.with_payload.unwrap_or(WithPayloadInterface::Bool(false)),
        })
    }
}

impl PrefetchBody {
    fn into_prefetch(self, depth: usize) -> Result<Prefetch, Refusal> {
        Ok(Prefetch {
            prefetches: self.prefetch.into_prefetches(depth)?,
            query: self.query.map(|query| query.into_scoring(self.using)).transpose()?,
            limit: self.limit.unwrap_or(DEFAULT_LIMIT),
            params: self.params,
            filter: self.filter,
            score_threshold: self.score_threshold.map(OrderedFloat),
        })
    }
}

impl Query {
    fn into_scoring(self, using: Option<String>) -> Result<ScoringQuery, Refusal> {
        match self {
            Self::Vector(vector) | Self::Nearest { nearest: vector } => {
                let query = NamedQuery { query: vector.into_internal()?, using };
                Ok(ScoringQuery::Vector(QueryEnum::Nearest(query)))
            }
            Self::Fusion { fusion: FusionName::Rrf } => Ok(rrf(RRF_K)),
            Self::Fusion { fusion: FusionName::Dbsf } => Ok(ScoringQuery::Fusion(Fusion::Dbsf)),
            Self::Rrf { rrf: params } => Ok(rrf(params.k.unwrap_or(RRF_K))),
        }
    }
}

impl Vector {
    fn into_internal(self) -> Result<VectorInternal, Refusal> {
        match self {
            Self::Dense(values) => Ok(VectorInternal::Dense(values)),
            Self::Sparse { indices, values } => {
                let mut sparse =
                    SparseVector::new(indices, values).map_err(|error| Refusal::WrongInput(error.to_string()))?;
                sparse.sort_by_indices();
                Ok(VectorInternal::Sparse(sparse))
            }
        }
    }
}

fn rrf(k: usize) -> ScoringQuery {
    ScoringQuery::Fusion(Fusion::Rrf { k, weights: None })
}
