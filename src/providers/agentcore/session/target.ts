/** Which harness a session is held with: the one it was provisioned for, the one on record, or the one of the options. */

import { LoophostError } from "../../../core/errors.ts";
import type { Json } from "../../../core/json.ts";
import { isObject } from "../../../core/json.ts";
import type { OpenRequest } from "../../../core/provider.ts";
import type { HarnessName } from "../api/arn.ts";
import { readHarnessArn } from "../api/arn.ts";

/** A harness, and whether it has the agent already. */
export interface Target {
  readonly harness: HarnessName;
  /** Whether instructions, model and tools were deployed with it, so that a session sends none of them. */
  readonly isProvisioned: boolean;
}

/**
 * Finds the harness of a session.
 *
 * @throws LoophostError `invalid_options` without one, or for an ARN that is none
 */
export function targetOf(
  { provisioned, cursor }: Pick<OpenRequest, "provisioned" | "cursor">,
  fixed: HarnessName | undefined,
): Target {
  const given = provisioned?.["harnessArn"] ?? provisionedIn(cursor);
  if (given !== undefined) return { harness: readHarnessArn(given), isProvisioned: true };
  if (fixed !== undefined) return { harness: fixed, isProvisioned: false };
  throw new LoophostError(
    "invalid_options",
    "agentcore() needs the harness of this session: pass harnessArn, or what provision() gave as provisioned.",
  );
}

/** The harness a session was provisioned for, out of its cursor. */
function provisionedIn(cursor: Json | undefined): unknown {
  return isObject(cursor) ? (cursor["provisioned"] ?? undefined) : undefined;
}
