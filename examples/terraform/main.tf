# Sightline by Terraform: uploads the files of a release and deploys its CloudFormation template.
# docs/deploy.md, "Without Node or Rust", says how to use this.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

provider "aws" {
  region = var.region
}

locals {
  prefix   = "sightline/"
  template = "${var.assets}/sightline-${var.access}.template.json"
}

resource "aws_s3_bucket" "assets" {
  bucket_prefix = "sightline-assets-"
  force_destroy = true
}

resource "aws_s3_bucket_public_access_block" "assets" {
  bucket                  = aws_s3_bucket.assets.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# Functions, pages and helpers. Their names are hashes of what they contain.
resource "aws_s3_object" "asset" {
  for_each = fileset(var.assets, "*.zip")
  bucket   = aws_s3_bucket.assets.id
  key      = "${local.prefix}${each.value}"
  source   = "${var.assets}/${each.value}"
}

# The name has a hash, so that a new template is a new address, which Terraform notices.
resource "aws_s3_object" "template" {
  bucket = aws_s3_bucket.assets.id
  key    = "${local.prefix}${filesha256(local.template)}.template.json"
  source = local.template
}

resource "aws_cloudformation_stack" "sightline" {
  name         = "Sightline-${var.stage}"
  template_url = "https://${aws_s3_bucket.assets.bucket_regional_domain_name}/${aws_s3_object.template.key}"
  capabilities = ["CAPABILITY_IAM"]

  parameters = merge(var.parameters, {
    AssetsBucket     = aws_s3_bucket.assets.id
    AssetsPrefix     = local.prefix
    Stage            = var.stage
    AlarmEmail       = var.alarm_email
    MaxDailyAnalyses = tostring(var.max_daily_analyses)
  })

  depends_on = [aws_s3_object.asset]

  timeouts {
    create = "60m"
    update = "60m"
    delete = "60m"
  }
}
