//! placeholder until crate addon lands
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use model::release::Release;
pub struct Addons;
struct NoDesk;
impl api::AddonDesk for NoDesk {
    fn request(&self, _: &store::Tx<'_>, _: &api::AddonWish<'_>) -> Result<(model::addon::Addon, Release), api::AddonRefusal> { Err(api::AddonRefusal::Invalid("none".into())) }
    fn destroy(&self, _: &store::Tx<'_>, _: &model::addon::Addon, _: &store::Account) -> Result<Vec<Release>, api::AddonRefusal> { Ok(vec![]) }
    fn destroy_all(&self, _: &store::Tx<'_>, _: &store::App, _: &store::Account) -> Result<Vec<Release>, api::AddonRefusal> { Ok(vec![]) }
    fn facts<'a>(&'a self, _: &'a model::addon::Addon) -> api::FactsFuture<'a> { Box::pin(async { Err(api::AddonRefusal::Invalid("none".into())) }) }
}
impl Addons {
    pub async fn open(_: &crate::config::ServerArgs, _: &crate::layout::Layout, _: &crate::ca::Ca, _: &Arc<oci::network::Network>, _: &store::Store) -> anyhow::Result<Self> { Ok(Self) }
    pub fn start<T>(&self, _: &mut JoinSet<anyhow::Result<()>>, _: &T, _: &CancellationToken) {}
    pub fn desk(&self) -> Arc<dyn api::AddonDesk> { Arc::new(NoDesk) }
    pub async fn stop(&self) {}
}
