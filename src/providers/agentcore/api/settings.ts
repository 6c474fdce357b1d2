/** How the service is reached: region, addresses, credentials, deadlines. */

import type { Check, Checks } from "../../../core/check-options.ts";
import { CLOCK, FUNCTION, MILLISECONDS, must, NAME } from "../../../core/check-options.ts";
import type { Clock } from "../../../core/clock.ts";
import { LoophostError } from "../../../core/errors.ts";
import { isObject } from "../../../core/json.ts";
import { isHttpAddress } from "../../../core/wire/address.ts";
import type { AwsClient } from "./client.ts";

/** AWS credentials, as every AWS SDK takes them. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  readonly expiration?: Date | undefined;
}

/** How the service is reached. */
export interface AgentCoreConnectionOptions {
  /**
   * AWS credentials, or a function that gives them. Default: what every AWS SDK finds, in the environment, the profile or
   * the machine's role.
   */
  readonly credentials?: AwsCredentials | (() => Promise<AwsCredentials>) | undefined;
  /**
   * The JWT for a harness with an authorizer, instead of AWS credentials. A function is asked before every request.
   * Default: none.
   */
  readonly bearerToken?: string | (() => string | Promise<string>) | undefined;
  /** The address of the data plane. Default: the one of the harness's region. */
  readonly baseUrl?: string | undefined;
  /** The address of the control plane. Default: the one of the harness's region. */
  readonly controlBaseUrl?: string | undefined;
  /**
   * A client of `@aws-sdk/client-bedrock-agentcore` to use; make it with `maxAttempts: 1`, or the agent may run twice.
   * Default: one of ours.
   */
  readonly client?: AwsClient | undefined;
  /** A client of `@aws-sdk/client-bedrock-agentcore-control` to use. Default: one of ours. */
  readonly controlClient?: AwsClient | undefined;
  /**
   * Milliseconds without a byte after which a reply is given up. A hook, a shell command or a slow model is silent for as
   * long as it takes: raise it above the longest. Default 300 000.
   */
  readonly idleMs?: number | undefined;
  /** Where time comes from, for tests. Default: the clock of this machine. */
  readonly clock?: Clock | undefined;
}

/** What these options have to be. */
export const CONNECTION: Checks<AgentCoreConnectionOptions> = {
  credentials: must("credentials, or a function that gives them", isCredentials),
  bearerToken: must(
    "a token that is not empty, or a function that gives one",
    (value) => typeof value === "function" || (typeof value === "string" && value.trim() !== ""),
  ),
  baseUrl: must("an http or https address without credentials", isHttpAddress),
  controlBaseUrl: must("an http or https address without credentials", isHttpAddress),
  client: must("a client of the AWS SDK", isClient),
  controlClient: must("a client of the AWS SDK", isClient),
  idleMs: MILLISECONDS,
  clock: CLOCK,
};

/** What a region has to be. */
export const REGION: Check = must(
  "the name of a region, such as us-west-2",
  (value) => typeof value === "string" && /^[a-z]{2}(-[a-z]+)+-\d$/.test(value),
);

/**
 * The token, freshly asked for where it is a function.
 *
 * @throws LoophostError `missing_credentials` when there is none
 */
export async function readToken(
  bearerToken: NonNullable<AgentCoreConnectionOptions["bearerToken"]>,
): Promise<string> {
  const token: unknown = typeof bearerToken === "function" ? await bearerToken() : bearerToken;
  if (typeof token === "string" && /^[\u0021-\u007e]+$/.test(token)) return token;
  throw new LoophostError(
    "missing_credentials",
    "bearerToken gave no token that can be sent: it must be a string of visible characters.",
  );
}

/** Stand-ins on this machine take any credentials; asking the machine for real ones could wait for seconds. */
export function credentialsFor(
  { credentials }: AgentCoreConnectionOptions,
  baseUrl: string | undefined,
): AgentCoreConnectionOptions["credentials"] {
  if (credentials !== undefined || baseUrl === undefined) return credentials;
  const { hostname } = new URL(baseUrl);
  const isHere = hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
  const isSet = Boolean(globalThis.process?.env?.["AWS_ACCESS_KEY_ID"]);
  return isHere && !isSet ? { accessKeyId: "loopback", secretAccessKey: "loopback" } : undefined;
}

function isCredentials(value: unknown): boolean {
  if (typeof value === "function") return true;
  return (
    isObject(value) &&
    NAME(value["accessKeyId"]) === undefined &&
    NAME(value["secretAccessKey"]) === undefined
  );
}

function isClient(value: unknown): boolean {
  return isObject(value) && FUNCTION(value["send"]) === undefined;
}
