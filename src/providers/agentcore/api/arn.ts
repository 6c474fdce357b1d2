/** Ids of the service, checked before anything is sent: the SDK checks none, and its service says little of what is wrong. */

import { LoophostError } from "../../../core/errors.ts";

/** A harness, by its ARN. */
export interface HarnessName {
  readonly arn: string;
  readonly region: string;
  readonly id: string;
}

const ARN =
  /^arn:[a-z0-9-]+:bedrock-agentcore:([a-z0-9-]+):[0-9]{12}:harness\/([a-zA-Z][a-zA-Z0-9_]{0,39}-[a-zA-Z0-9]{10})$/;
const SESSION_ID = /^[a-zA-Z0-9][a-zA-Z0-9_-]{32,99}$/;

/**
 * Reads the ARN of a harness.
 *
 * @throws LoophostError `invalid_options`
 */
export function readHarnessArn(arn: unknown): HarnessName {
  const [, region, id] = (typeof arn === "string" && ARN.exec(arn)) || [];
  if (typeof arn === "string" && region !== undefined && id !== undefined) return { arn, region, id };
  throw new LoophostError(
    "invalid_options",
    "agentcore(): harnessArn must be the whole ARN of a harness, such as " +
      '"arn:aws:bedrock-agentcore:us-west-2:123456789012:harness/Demo-AbCdEf1234".',
  );
}

/** An id for a new session. */
export function newSessionId(): string {
  return crypto.randomUUID();
}

/**
 * Checks the id of a session.
 *
 * @throws LoophostError `invalid_options`
 */
export function checkSessionId(id: string): string {
  if (SESSION_ID.test(id)) return id;
  throw new LoophostError(
    "invalid_options",
    `A session id of AgentCore has 33 to 100 letters, digits, "-" and "_", and begins with a letter or digit; got ${id.length} characters.`,
  );
}
