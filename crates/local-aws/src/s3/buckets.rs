//! Bucket operations.

use super::{
    backend::Backend,
    convert::{owner, timestamp, version},
};
use crate::{cors::CorsRule, store::Versioning};
use http::Method;
use s3s::{
    S3Request, S3Response, S3Result,
    dto::{
        Bucket, BucketLocationConstraint, BucketVersioningStatus, CORSRule, CreateBucketInput,
        CreateBucketOutput, DeleteBucketInput, DeleteBucketOutput, GetBucketAclInput,
        GetBucketAclOutput, GetBucketCorsInput, GetBucketCorsOutput, GetBucketLocationInput,
        GetBucketLocationOutput, GetBucketVersioningInput, GetBucketVersioningOutput,
        GetObjectAclInput, GetObjectAclOutput, Grant, Grantee, HeadBucketInput, HeadBucketOutput,
        ListBucketsInput, ListBucketsOutput, MFADelete, Permission, PutBucketVersioningInput,
        PutBucketVersioningOutput, Type,
    },
    s3_error,
};

/// The region whose buckets have no location constraint.
const FIRST_REGION: &str = "us-east-1";

pub(super) async fn create_bucket(
    backend: &Backend,
    req: S3Request<CreateBucketInput>,
) -> S3Result<S3Response<CreateBucketOutput>> {
    let input = req.input;
    let is_special = input
        .create_bucket_configuration
        .as_ref()
        .is_some_and(|asked| asked.bucket.is_some() || asked.location.is_some());
    if is_special {
        return Err(s3_error!(
            NotImplemented,
            "This endpoint has no directory buckets."
        ));
    }
    let constraint = input
        .create_bucket_configuration
        .and_then(|configuration| configuration.location_constraint);
    if let Some(constraint) = constraint.filter(|constraint| constraint.as_str() != backend.region)
    {
        return Err(s3_error!(
            IllegalLocationConstraintException,
            "The {} location constraint is incompatible for the region specific endpoint this request was sent to: \
             the region here is {}.",
            constraint.as_str(),
            backend.region
        ));
    }
    if !backend.store.create_bucket(&input.bucket).await? && backend.region != FIRST_REGION {
        // In us-east-1 S3 answers success.
        return Err(s3_error!(
            BucketAlreadyOwnedByYou,
            "Your previous request to create the named bucket succeeded and you already own it."
        ));
    }
    let location = Some(format!("/{}", input.bucket));
    Ok(S3Response::new(CreateBucketOutput { location }))
}

pub(super) async fn head_bucket(
    backend: &Backend,
    req: S3Request<HeadBucketInput>,
) -> S3Result<S3Response<HeadBucketOutput>> {
    backend.store.require_bucket(&req.input.bucket).await?;
    let output = HeadBucketOutput {
        bucket_region: Some(backend.region.clone()),
        ..HeadBucketOutput::default()
    };
    Ok(S3Response::new(output))
}

pub(super) async fn list_buckets(
    backend: &Backend,
    req: S3Request<ListBucketsInput>,
) -> S3Result<S3Response<ListBucketsOutput>> {
    let input = req.input;
    let prefix = input.prefix.clone().unwrap_or_default();
    let is_here = input
        .bucket_region
        .is_none_or(|region| region == backend.region);
    let after = input.continuation_token.unwrap_or_default();
    let max = input
        .max_buckets
        .and_then(|max| usize::try_from(max).ok())
        .unwrap_or(10_000);
    let buckets = backend.store.buckets().await?;
    let mut rest = buckets
        .into_iter()
        .filter(|bucket| is_here && bucket.name.starts_with(&prefix) && bucket.name > after);
    let buckets: Vec<Bucket> = rest
        .by_ref()
        .take(max)
        .map(|bucket| Bucket {
            bucket_region: Some(backend.region.clone()),
            creation_date: Some(timestamp(bucket.created_at)),
            name: Some(bucket.name),
        })
        .collect();
    let last = buckets.last().and_then(|bucket| bucket.name.clone());
    let output = ListBucketsOutput {
        continuation_token: rest.next().and(last),
        buckets: Some(buckets),
        owner: Some(owner()),
        prefix: input.prefix,
    };
    Ok(S3Response::new(output))
}

pub(super) async fn get_bucket_location(
    backend: &Backend,
    req: S3Request<GetBucketLocationInput>,
) -> S3Result<S3Response<GetBucketLocationOutput>> {
    backend.store.require_bucket(&req.input.bucket).await?;
    let location_constraint = (backend.region != FIRST_REGION)
        .then(|| BucketLocationConstraint::from(backend.region.clone()));
    Ok(S3Response::new(GetBucketLocationOutput {
        location_constraint,
    }))
}

pub(super) async fn delete_bucket(
    backend: &Backend,
    req: S3Request<DeleteBucketInput>,
) -> S3Result<S3Response<DeleteBucketOutput>> {
    backend.store.delete_bucket(&req.input.bucket).await?;
    Ok(S3Response::new(DeleteBucketOutput::default()))
}

pub(super) async fn get_bucket_cors(
    backend: &Backend,
    req: S3Request<GetBucketCorsInput>,
) -> S3Result<S3Response<GetBucketCorsOutput>> {
    backend.store.require_bucket(&req.input.bucket).await?;
    let Some(cors) = backend
        .cors
        .iter()
        .find(|cors| cors.bucket == req.input.bucket)
    else {
        return Err(s3_error!(
            NoSuchCORSConfiguration,
            "The CORS configuration does not exist"
        ));
    };
    let rule = |rule: &CorsRule| CORSRule {
        allowed_headers: Some(rule.allowed_headers.clone()),
        allowed_methods: rule.allowed_methods.iter().map(Method::to_string).collect(),
        allowed_origins: rule.allowed_origins.clone(),
        expose_headers: Some(rule.exposed_headers.clone()),
        id: None,
        max_age_seconds: rule
            .max_age_seconds
            .and_then(|seconds| i32::try_from(seconds).ok()),
    };
    let cors_rules = Some(cors.rules.iter().map(rule).collect());
    Ok(S3Response::new(GetBucketCorsOutput { cors_rules }))
}

pub(super) async fn get_bucket_versioning(
    backend: &Backend,
    req: S3Request<GetBucketVersioningInput>,
) -> S3Result<S3Response<GetBucketVersioningOutput>> {
    let versioning = backend.store.versioning(&req.input.bucket).await?;
    let output = GetBucketVersioningOutput {
        status: versioning.map(|state| BucketVersioningStatus::from_static(state.name())),
        ..GetBucketVersioningOutput::default()
    };
    Ok(S3Response::new(output))
}

pub(super) async fn put_bucket_versioning(
    backend: &Backend,
    req: S3Request<PutBucketVersioningInput>,
) -> S3Result<S3Response<PutBucketVersioningOutput>> {
    let configuration = req.input.versioning_configuration;
    let mfa = configuration.mfa_delete.as_ref();
    if mfa.is_some_and(|mfa| mfa.as_str() != MFADelete::DISABLED) {
        return Err(s3_error!(
            NotImplemented,
            "This endpoint does not implement MFA delete."
        ));
    }
    let status = configuration.status.as_ref();
    let Some(versioning) = status.and_then(|status| Versioning::named(status.as_str())) else {
        return Err(s3_error!(
            IllegalVersioningConfigurationException,
            "The Versioning element must be specified"
        ));
    };
    backend
        .store
        .set_versioning(&req.input.bucket, versioning)
        .await?;
    Ok(S3Response::new(PutBucketVersioningOutput::default()))
}

/// Only the owner has access.
fn grants() -> Vec<Grant> {
    let grantee = Grantee {
        display_name: None,
        email_address: None,
        id: owner().id,
        type_: Type::from_static(Type::CANONICAL_USER),
        uri: None,
    };
    let permission = Permission::from_static(Permission::FULL_CONTROL);
    vec![Grant {
        grantee: Some(grantee),
        permission: Some(permission),
    }]
}

pub(super) async fn get_bucket_acl(
    backend: &Backend,
    req: S3Request<GetBucketAclInput>,
) -> S3Result<S3Response<GetBucketAclOutput>> {
    backend.store.require_bucket(&req.input.bucket).await?;
    Ok(S3Response::new(GetBucketAclOutput {
        grants: Some(grants()),
        owner: Some(owner()),
    }))
}

pub(super) async fn get_object_acl(
    backend: &Backend,
    req: S3Request<GetObjectAclInput>,
) -> S3Result<S3Response<GetObjectAclOutput>> {
    backend
        .store
        .object(
            &req.input.bucket,
            &req.input.key,
            version(req.input.version_id.as_deref())?,
        )
        .await?;
    let output = GetObjectAclOutput {
        grants: Some(grants()),
        owner: Some(owner()),
        ..GetObjectAclOutput::default()
    };
    Ok(S3Response::new(output))
}
