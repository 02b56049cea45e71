//! How the server is, for whoever runs it.

use parlour_protocol::{
    generated::HealthService,
    health::{GetHealthRequest, GetHealthResponse},
    wire::{Error, ErrorReason},
};

use crate::kit::{Answer, Ctx, Features, ServerKit};

impl HealthService<ServerKit> for Features {
    async fn get_health(
        &self,
        ctx: &mut Ctx,
        _request: GetHealthRequest,
    ) -> Result<Answer<GetHealthResponse>, Error> {
        let health = ctx.node.health.get().ok_or_else(|| {
            Error::new(ErrorReason::UnknownMethod, "this server doesn't say how it is")
        })?;
        Ok(Answer::Now(health.health()))
    }
}
