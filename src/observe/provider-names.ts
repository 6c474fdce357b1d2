/** Providers by the names OpenTelemetry's conventions have for services. */

import type { About } from "../core/observer.ts";

/** The service behind a provider: the model's, where it is known, else that of the host. */
export function providerOf(
  { name, address }: Pick<About["provider"], "name" | "address">,
  service: string | undefined,
): string {
  if (service !== undefined) return service;
  if (name === "agentcore") return "aws.bedrock";
  // The wire is spoken by other servers too, which are not Anthropic.
  if (name === "claude" && address?.endsWith("anthropic.com") === true) return "anthropic";
  return "loophost";
}
