//! Restarts and kills at random.

use crate::Soak;
use rand::RngExt;
use std::sync::Arc;
use std::time::Duration;

/// Between two disturbances, in milliseconds.
const CALM_MILLIS: std::ops::Range<u64> = 1_500..6_000;
/// How long a killed provider is gone, in milliseconds.
const DOWN_MILLIS: std::ops::Range<u64> = 0..1_500;

/// Stops or kills one provider after the other, but the steady one, until the soak is over.
pub(crate) async fn disturb(soak: Arc<Soak>) {
    while !soak.is_over() {
        let calm = rand::rng().random_range(CALM_MILLIS);
        tokio::time::sleep(Duration::from_millis(calm)).await;
        let nodes: Vec<_> = soak.network.nodes.iter().filter(|node| !node.steady).collect();
        let chosen = nodes[rand::rng().random_range(0..nodes.len())];
        if rand::rng().random_bool(0.5) {
            let down = rand::rng().random_range(DOWN_MILLIS);
            chosen.kill(Duration::from_millis(down)).await;
        } else {
            chosen.restart().await;
        }
    }
}
