//! The API server refuses what the CRD's rules refuse: the same table as the operator's unit test, on the real thing.

use e2e::Cluster;
use e2e::shell::{root, run};
