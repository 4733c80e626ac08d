"""What small projects run on Lambda in place of the processor: labels of a picture, as JSON, into another bucket.

An event of S3 arrives in a message of SQS. With THUMBNAIL_PX, the function also writes a thumbnail.
"""

import io
import json
import logging
import os
from urllib.parse import unquote_plus

import boto3

S3 = boto3.client("s3")
REKOGNITION = boto3.client("rekognition")
OUTPUT_BUCKET = os.environ["OUTPUT_BUCKET"]
THUMBNAIL_PX = int(os.environ.get("THUMBNAIL_PX", "0"))
if THUMBNAIL_PX:
    from PIL import Image, ImageOps


def handler(event, context):
    failures = []
    for message in event["Records"]:
        try:
            for record in json.loads(message["body"])["Records"]:
                process(record["s3"])
        except Exception:
            logging.exception("message %s failed", message["messageId"])
            failures.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failures}


def process(s3):
    bucket, key = s3["bucket"]["name"], unquote_plus(s3["object"]["key"])
    answer = REKOGNITION.detect_labels(
        Image={"S3Object": {"Bucket": bucket, "Name": key}},
        Features=["GENERAL_LABELS", "IMAGE_PROPERTIES"],
        MinConfidence=55,
    )
    answer.pop("ResponseMetadata")
    document = {"bucket": bucket, "key": key, "eTag": s3["object"]["eTag"], **answer}
    S3.put_object(
        Bucket=OUTPUT_BUCKET, Key=f"results/{key}.json", Body=json.dumps(document).encode(), ContentType="application/json"
    )
    if THUMBNAIL_PX:
        S3.put_object(Bucket=OUTPUT_BUCKET, Key=f"thumbnails/{key}.jpg", Body=thumbnail(bucket, key), ContentType="image/jpeg")


def thumbnail(bucket, key):
    content = S3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with Image.open(io.BytesIO(content)) as image:
        image.draft("RGB", (2 * THUMBNAIL_PX, 2 * THUMBNAIL_PX))
        image = ImageOps.exif_transpose(image).convert("RGB")
        image.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
        made = io.BytesIO()
        image.save(made, "JPEG", quality=90)
    return made.getvalue()
