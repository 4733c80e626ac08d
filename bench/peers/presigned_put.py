"""What small projects run on Lambda in place of the upload API: a presigned PUT for a new key."""

import json
import os
import uuid

import boto3

S3 = boto3.client("s3")
INPUT_BUCKET = os.environ["INPUT_BUCKET"]


def handler(event, context):
    asked = json.loads(event["body"])
    key = f"uploads/{uuid.uuid4()}.jpg"
    url = S3.generate_presigned_url(
        "put_object",
        Params={
            "Bucket": INPUT_BUCKET,
            "Key": key,
            "ContentType": asked["contentType"],
            "ContentLength": asked["contentLength"],
        },
        ExpiresIn=300,
    )
    return {
        "statusCode": 201,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"key": key, "uploadUrl": url}),
    }
