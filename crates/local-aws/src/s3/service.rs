//! The operations that are implemented. s3s answers `NotImplemented` for every other one.

use super::{
    backend::Backend, buckets, download, list, list_versions, multipart, objects, uploads,
};
use s3s::{
    S3, S3Request, S3Response, S3Result,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
        CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput, CreateBucketInput,
        CreateBucketOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput,
        DeleteBucketInput, DeleteBucketOutput, DeleteObjectInput, DeleteObjectOutput,
        DeleteObjectTaggingInput, DeleteObjectTaggingOutput, DeleteObjectsInput,
        DeleteObjectsOutput, GetBucketAclInput, GetBucketAclOutput, GetBucketCorsInput,
        GetBucketCorsOutput, GetBucketLocationInput, GetBucketLocationOutput,
        GetBucketVersioningInput, GetBucketVersioningOutput, GetObjectAclInput, GetObjectAclOutput,
        GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectInput, GetObjectOutput,
        GetObjectTaggingInput, GetObjectTaggingOutput, HeadBucketInput, HeadBucketOutput,
        HeadObjectInput, HeadObjectOutput, ListBucketsInput, ListBucketsOutput,
        ListMultipartUploadsInput, ListMultipartUploadsOutput, ListObjectVersionsInput,
        ListObjectVersionsOutput, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
        ListObjectsV2Output, ListPartsInput, ListPartsOutput, PutBucketVersioningInput,
        PutBucketVersioningOutput, PutObjectInput, PutObjectOutput, PutObjectTaggingInput,
        PutObjectTaggingOutput, UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput,
        UploadPartOutput,
    },
};

/// Delegates every operation to a function of its module.
macro_rules! operations {
    ($($name:ident($input:ident) -> $output:ident = $function:path;)+) => {
        #[async_trait::async_trait]
        impl S3 for Backend {
            $(
                async fn $name(&self, req: S3Request<$input>) -> S3Result<S3Response<$output>> {
                    $function(self, req).await
                }
            )+
        }
    };
}

operations! {
    create_bucket(CreateBucketInput) -> CreateBucketOutput = buckets::create_bucket;
    head_bucket(HeadBucketInput) -> HeadBucketOutput = buckets::head_bucket;
    list_buckets(ListBucketsInput) -> ListBucketsOutput = buckets::list_buckets;
    get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput = buckets::get_bucket_location;
    delete_bucket(DeleteBucketInput) -> DeleteBucketOutput = buckets::delete_bucket;
    get_bucket_cors(GetBucketCorsInput) -> GetBucketCorsOutput = buckets::get_bucket_cors;
    get_bucket_versioning(GetBucketVersioningInput) -> GetBucketVersioningOutput = buckets::get_bucket_versioning;
    put_bucket_versioning(PutBucketVersioningInput) -> PutBucketVersioningOutput = buckets::put_bucket_versioning;
    get_bucket_acl(GetBucketAclInput) -> GetBucketAclOutput = buckets::get_bucket_acl;
    get_object_acl(GetObjectAclInput) -> GetObjectAclOutput = buckets::get_object_acl;
    put_object(PutObjectInput) -> PutObjectOutput = objects::put_object;
    copy_object(CopyObjectInput) -> CopyObjectOutput = objects::copy_object;
    delete_object(DeleteObjectInput) -> DeleteObjectOutput = objects::delete_object;
    delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput = objects::delete_objects;
    get_object_attributes(GetObjectAttributesInput) -> GetObjectAttributesOutput = objects::get_object_attributes;
    get_object_tagging(GetObjectTaggingInput) -> GetObjectTaggingOutput = objects::get_object_tagging;
    put_object_tagging(PutObjectTaggingInput) -> PutObjectTaggingOutput = objects::put_object_tagging;
    delete_object_tagging(DeleteObjectTaggingInput) -> DeleteObjectTaggingOutput = objects::delete_object_tagging;
    get_object(GetObjectInput) -> GetObjectOutput = download::get_object;
    head_object(HeadObjectInput) -> HeadObjectOutput = download::head_object;
    list_objects(ListObjectsInput) -> ListObjectsOutput = list::list_objects;
    list_object_versions(ListObjectVersionsInput) -> ListObjectVersionsOutput = list_versions::list_object_versions;
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output = list::list_objects_v2;
    create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput = multipart::create;
    upload_part(UploadPartInput) -> UploadPartOutput = multipart::upload_part;
    upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput = multipart::upload_part_copy;
    complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput = multipart::complete;
    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput = multipart::abort;
    list_parts(ListPartsInput) -> ListPartsOutput = uploads::list_parts;
    list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput = uploads::list_uploads;
}
