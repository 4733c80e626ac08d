/** Options of the CDK app as `NAME=VALUE` arguments of a command. */
export function options(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(given.map((argument) => argument.split(/=(.*)/s).slice(0, 2))) as Record<string, string>;
}
