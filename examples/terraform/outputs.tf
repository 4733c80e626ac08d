output "site_url" {
  description = "The address of the pages and of the API."
  value       = aws_cloudformation_stack.sightline.outputs["SiteUrl"]
}

output "all" {
  description = "All outputs of the stack, which docs/deploy.md uses."
  value       = aws_cloudformation_stack.sightline.outputs
}
