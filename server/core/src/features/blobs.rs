//! Attachments: links for HTTP, claims, and what may be uploaded. The bytes go over lanes of their
//! own (`blobs/`).

use parlour_protocol::{
    blob::{
        ClaimAttachmentRequest, ClaimAttachmentResponse, GetUploadPolicyRequest,
        GetUploadPolicyResponse, LinkAttachmentRequest, LinkAttachmentResponse, LinkUploadRequest,
        LinkUploadResponse, Variant,
    },
    generated::BlobService,
    wire::{BlobDownload, BlobUpload, Error},
};

use crate::{
    address::base64url,
    blobs::{
        DOWNLOAD_PATH, Link, LinkedAttachment, LinkedUpload, Owner, UPLOAD_PATH, blob_not_found,
        hash_field,
        rows::{claim_put, due_after, due_put},
    },
    draft::{Draft, RowsDraft},
    kit::{Answer, Ctx, Features, ServerKit},
    ports::{blobs::BlobKey, store::Shard},
};

impl BlobService<ServerKit> for Features {
    async fn link_attachment(
        &self,
        ctx: &mut Ctx,
        request: LinkAttachmentRequest,
    ) -> Result<Answer<LinkAttachmentResponse>, Error> {
        let LinkAttachmentRequest { room, seq, hash, variant } = request;
        let owner = owner(ctx);
        let download = BlobDownload { room, seq, hash, variant, ..BlobDownload::default() };
        let (_, blob) = ctx.node.attachment(owner, &download).await?;
        match Variant::try_from(variant) {
            Ok(Variant::Preview) if !blob.has_preview => return Err(blob_not_found()),
            Ok(_) => {}
            Err(_) => return Err(Error::invalid("variant", "is not known")),
        }
        let link = Link::Attachment(LinkedAttachment { owner, download });
        let (path, url, expires_at_ms) = address(ctx, DOWNLOAD_PATH, link);
        Ok(Answer::Now(LinkAttachmentResponse { path, url, expires_at_ms }))
    }

    async fn link_upload(
        &self,
        ctx: &mut Ctx,
        request: LinkUploadRequest,
    ) -> Result<Answer<LinkUploadResponse>, Error> {
        let LinkUploadRequest { upload, size, media_type, sha256 } = request;
        let upload = BlobUpload { upload, size, media_type, sha256 };
        ctx.node.check_upload(&upload)?;
        let link = Link::Upload(LinkedUpload { owner: owner(ctx), upload });
        let (path, url, expires_at_ms) = address(ctx, UPLOAD_PATH, link);
        Ok(Answer::Now(LinkUploadResponse { path, url, expires_at_ms }))
    }

    async fn claim_attachment(
        &self,
        ctx: &mut Ctx,
        request: ClaimAttachmentRequest,
    ) -> Result<Answer<ClaimAttachmentResponse>, Error> {
        let ClaimAttachmentRequest { room, seq, hash } = request;
        let download = BlobDownload { room, seq, hash, ..BlobDownload::default() };
        ctx.node.attachment(owner(ctx), &download).await?;
        let hash = hash_field("hash", &download.hash)?;
        let key = BlobKey { org: ctx.caller.org, hash };
        if !ctx.node.attachments.spare(key) {
            return Err(blob_not_found());
        }
        // Whoever uses the blob now may delete their message before the caller sends theirs.
        let now_ms = ctx.now.unix_ms;
        let puts =
            vec![claim_put(ctx.user(), key, now_ms), due_put(key, due_after(now_ms), ctx.user())];
        let shard = Shard::User(ctx.user());
        let draft = RowsDraft::new(shard, puts);
        Ok(Answer::commit(Draft::Rows(Box::new(draft)), |_| ClaimAttachmentResponse {}))
    }

    async fn get_upload_policy(
        &self,
        ctx: &mut Ctx,
        _: GetUploadPolicyRequest,
    ) -> Result<Answer<GetUploadPolicyResponse>, Error> {
        let policy = ctx.node.attachments.policy();
        Ok(Answer::Now(GetUploadPolicyResponse {
            size_max: policy.size_max,
            media_types: policy.media_types,
            organization_bytes_max: ctx.node.quota(ctx.caller.org).attachment_bytes,
            organization_bytes: ctx.node.blob_bytes(ctx.caller.org).await?,
        }))
    }
}

fn owner(ctx: &Ctx) -> Owner {
    Owner { org: ctx.caller.org, user: ctx.user() }
}

/// Path, whole address if it is known, and end of a link.
fn address(ctx: &Ctx, path: &str, link: Link) -> (String, String, u64) {
    let (sealed, expires_at_ms) = ctx.node.link(&ctx.caller, link);
    let path = format!("{path}{}", base64url(&sealed));
    let url = match ctx.node.attachments.policy().url {
        base if base.is_empty() => base,
        base => format!("{base}{path}"),
    };
    (path, url, expires_at_ms)
}
