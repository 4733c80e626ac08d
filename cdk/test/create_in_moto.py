"""Creates the synthesised stack in moto's CloudFormation, which checks the template independently of AWS and the CDK.

    create_in_moto.py cdk.out/Sightline-dev.template.json [PARAMETER=VALUE...]

The types in UNSUPPORTED are removed from the template first, because moto does not know them or would start a container for them.
References to them become their names. The list must be exact: the check fails if moto learns one of these types, or if the template
has another type that moto does not know.
"""

import json
import os
import re
import subprocess
import sys
import time
import zipfile
from io import BytesIO
from pathlib import Path
from socket import socket
from urllib.request import urlopen

import boto3
from moto.cloudformation.parsing import get_model_map

REGION = "us-east-1"
ACCOUNT = "123456789012"

# docs/deploy.md repeats this list.
UNSUPPORTED = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::Budgets::Budget",
    "AWS::Budgets::BudgetsAction",
    "AWS::CloudFront::CachePolicy",
    "AWS::CloudFront::Distribution",
    "AWS::CloudFront::Function",
    "AWS::CloudFront::OriginAccessControl",
    "AWS::CloudFront::ResponseHeadersPolicy",
    "AWS::CloudWatch::Alarm",
    "AWS::Cognito::IdentityPool",
    "AWS::Cognito::IdentityPoolRoleAttachment",
    "AWS::Cognito::UserPool",
    "AWS::Cognito::UserPoolClient",
    "AWS::Cognito::UserPoolDomain",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SecretsManager::Secret",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Synthetics::Canary",
    "Custom::CDKBucketDeployment",
    "Custom::S3AutoDeleteObjects",
}


def free_port() -> int:
    with socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def main(template_file: str, *arguments: str) -> None:
    template = Path(template_file).read_text()
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION=REGION)
    port = free_port()
    log = open(Path(template_file).with_suffix(".moto.log"), "w+")
    server = subprocess.Popen([str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log)
    try:
        endpoint = f"http://127.0.0.1:{port}"
        wait_for(endpoint)
        parameters = dict(argument.split("=", 1) for argument in arguments)
        create(template, parameters, lambda service: boto3.client(service, endpoint_url=endpoint))
    finally:
        server.kill()
        server.wait()


def wait_for(endpoint: str) -> None:
    for _ in range(300):
        try:
            urlopen(endpoint, timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("moto_server does not accept connections")


def create(template: str, parameters: dict[str, str], client) -> None:
    # The version parameter and the asset bucket of `cdk bootstrap`, unless the template takes its assets from elsewhere.
    bucket = parameters.get("AssetsBucket") or f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
    if "AssetsBucket" not in parameters:
        client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")
    s3 = client("s3")
    s3.create_bucket(Bucket=bucket)
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as assets:
        assets.writestr("bootstrap", "#!/bin/sh\n")
    for key in set(re.findall(r"[0-9a-f]{64}\.zip", template)):
        s3.put_object(Bucket=bucket, Key=parameters.get("AssetsPrefix", "") + key, Body=archive.getvalue())

    wanted = json.loads(template)
    types = {resource["Type"] for resource in wanted["Resources"].values()}
    unknown = {kind for kind in types if kind not in get_model_map()}
    check(unknown == UNSUPPORTED & types, f"moto does not know {sorted(unknown)}")
    known = without(wanted, {name for name, resource in wanted["Resources"].items() if resource["Type"] in unknown})

    cloudformation = client("cloudformation")
    stack = cloudformation.create_stack(
        StackName="Sightline",
        TemplateBody=json.dumps(known),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )["StackId"]
    for _ in range(100):
        described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        if described["StackStatus"] != "CREATE_IN_PROGRESS":
            break
        time.sleep(0.1)
    check(described["StackStatus"] == "CREATE_COMPLETE", f"{described['StackStatus']} {described.get('StackStatusReason', '')}")
    created = {
        resource["LogicalResourceId"]
        for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
        for resource in page["StackResourceSummaries"]
    }
    check(created == set(known["Resources"]), f"not created: {sorted(set(known['Resources']) - created)}")
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    check_resources(client, wanted, outputs)
    print(f"{described['StackStatus']}: {len(created)} of {len(wanted['Resources'])} resources; types that moto does not create:")
    for kind in sorted(unknown):
        print(f"  {kind}")


def without(value, names):
    """The template without these resources. References to them become their names."""
    if isinstance(value, list):
        return [without(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"Ref": name} if name in names:
            return name
        case {"Fn::GetAtt": [name, attribute]} if name in names:
            return f"{name}.{attribute}"
    result = {key: without(item, names) for key, item in value.items() if key not in names}
    if isinstance(value.get("DependsOn"), list):
        result["DependsOn"] = [name for name in value["DependsOn"] if name not in names]
    elif value.get("DependsOn") in names:
        del result["DependsOn"]
    return result


def check_resources(client, template, outputs) -> None:
    """Checks that the created resources work."""
    s3, sqs, dynamodb, functions = client("s3"), client("sqs"), client("dynamodb"), client("lambda")
    queue = outputs["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    # moto's CloudFormation ignores bucket notifications, but its S3 supports them.
    [configured] = [
        queues
        for resource in template["Resources"].values()
        # The output bucket has some too, in the templates with parameters on a condition.
        if "ObjectCreated" in str(queues := resource.get("Properties", {}).get("NotificationConfiguration", {}).get("QueueConfigurations"))
    ]
    s3.put_bucket_notification_configuration(
        Bucket=outputs["InputBucket"],
        NotificationConfiguration={
            "QueueConfigurations": [
                {"QueueArn": attributes["QueueArn"], "Events": [one["Event"]], "Filter": {"Key": {"FilterRules": one["Filter"]["S3Key"]["Rules"]}}}
                for one in configured
            ]
        },
    )

    def messages():
        received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in received:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in received]

    messages()  # S3's own test event
    s3.put_object(Bucket=outputs["InputBucket"], Key="inline/a.jpg", Body=b"a")
    s3.put_object(Bucket=outputs["InputBucket"], Key="uploads/a.jpg", Body=b"a")
    keys = [record["s3"]["object"]["key"] for body in messages() for record in body["Records"]]
    check(keys == ["uploads/a.jpg"] or keys == ["uploads%2Fa.jpg"], f"the queue received events for {keys}")

    redrive = json.loads(attributes["RedrivePolicy"])
    check(redrive["deadLetterTargetArn"] == outputs["DeadLetterQueueArn"], f"dead letters go to {redrive}")
    backfill = sqs.get_queue_attributes(QueueUrl=outputs["BackfillQueueUrl"], AttributeNames=["All"])["Attributes"]
    check(backfill["RedrivePolicy"] == attributes["RedrivePolicy"], "the queues have different dead letters")
    [mapping] = functions.list_event_source_mappings(EventSourceArn=backfill["QueueArn"])["EventSourceMappings"]
    check(mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"], "a backfill's batches do not report failures")
    [mapping] = functions.list_event_source_mappings(EventSourceArn=attributes["QueueArn"])["EventSourceMappings"]
    check(mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"], f"the mapping reports {mapping.get('FunctionResponseTypes')}")
    function = functions.get_function(FunctionName=mapping["FunctionArn"])["Configuration"]
    check(int(attributes["VisibilityTimeout"]) >= 6 * function["Timeout"], "the visibility timeout is too short")

    for bucket in (outputs["InputBucket"], outputs["OutputBucket"]):
        check(s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"], f"{bucket} is not encrypted")
    if "IndexTable" in outputs:
        table = dynamodb.describe_table(TableName=outputs["IndexTable"])["Table"]
        check({index["IndexName"] for index in table["GlobalSecondaryIndexes"]} == {"by-owner-term"}, "the table lacks indexes")


def check(passed: bool, message: str) -> None:
    if not passed:
        raise SystemExit(message)


if __name__ == "__main__":
    main(*sys.argv[1:])
