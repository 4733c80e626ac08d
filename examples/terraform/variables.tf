variable "assets" {
  description = "The folder with the unpacked sightline-assets archive of a release."
  type        = string
}

variable "region" {
  description = "A region that offers Rekognition."
  type        = string
}

variable "stage" {
  description = "Part of every name, so that an account can hold several deployments."
  type        = string
  default     = "dev"
}

variable "access" {
  description = "Whether people sign in (owner), or whoever knows a picture's key can read it (unlisted)."
  type        = string
  default     = "owner"

  validation {
    condition     = contains(["owner", "unlisted"], var.access)
    error_message = "access must be owner or unlisted."
  }
}

variable "alarm_email" {
  description = "Who gets the alarms: an e-mail address, or none."
  type        = string
}

variable "max_daily_analyses" {
  description = "The largest number of analyses a day; with access=owner, 0 for no limit."
  type        = number
}

variable "parameters" {
  description = "Further parameters of the template, such as MonthlyBudgetUsd."
  type        = map(string)
  default     = {}
}
