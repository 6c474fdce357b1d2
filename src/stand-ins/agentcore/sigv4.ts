/** Checks signatures of version 4, as AWS does: whoever does not sign what it sends is not served. */

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** A key pair that may sign. */
export interface KeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** The token that has to come along, for a pair that is temporary. */
  readonly sessionToken?: string | undefined;
}

/** What was signed. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const SCHEME =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([a-z0-9-]+)\/bedrock-agentcore\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;
const MAX_SKEW_MS = 5 * 60_000;

/** The service's name for what is wrong with a request's signature; undefined when nothing is. */
export function signatureProblem(request: SignedRequest, pairs: readonly KeyPair[]): string | undefined {
  const { headers, body } = request;
  const { authorization } = headers;
  if (authorization === undefined) return "MissingAuthenticationTokenException";
  const [, keyId, day = "", region = "", signed = "", signature = ""] = SCHEME.exec(authorization) ?? [];
  const pair = pairs.find(({ accessKeyId }) => accessKeyId === keyId);
  if (pair === undefined) return "UnrecognizedClientException";
  const date = one(headers, "x-amz-date");
  const names = signed.split(";");
  const at = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  const isLate = !(Math.abs(Date.now() - at) < MAX_SKEW_MS) || !date.startsWith(day);
  const token = headers["x-amz-security-token"];
  if (pair.sessionToken !== undefined && token !== pair.sessionToken) return "UnrecognizedClientException";
  const isCovered =
    names.includes("host") &&
    names.includes("x-amz-date") &&
    (token === undefined || names.includes("x-amz-security-token"));
  if (isLate || !isCovered || sha256(body) !== one(headers, "x-amz-content-sha256"))
    return "InvalidSignatureException";
  const scope = `${day}/${region}/bedrock-agentcore/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", date, scope, sha256(canonical(request, names))].join("\n");
  const key = [day, region, "bedrock-agentcore", "aws4_request"].reduce<Buffer>(
    (secret, part) => hmac(secret, part),
    Buffer.from(`AWS4${pair.secretAccessKey}`),
  );
  const isRight = timingSafeEqual(hmac(key, toSign), Buffer.from(signature, "hex"));
  return isRight ? undefined : "InvalidSignatureException";
}

function canonical({ method, url, headers, body }: SignedRequest, names: readonly string[]): string {
  const [path = "", query = ""] = url.split("?");
  const pairs = [...new URLSearchParams(query)].map(([name, value]) => `${encode(name)}=${encode(value)}`);
  return [
    method,
    path.split("/").map(encode).join("/"),
    pairs.toSorted().join("&"),
    ...names.map((name) => `${name}:${one(headers, name).trim().replaceAll(/ +/g, " ")}`),
    "",
    names.join(";"),
    sha256(body),
  ].join("\n");
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (char) => `%${char.codePointAt(0)?.toString(16).toUpperCase()}`,
  );
}

function one(headers: IncomingHttpHeaders, name: string): string {
  return String(headers[name] ?? "");
}

function sha256(data: Buffer | string): string {
  return createHash("sha256").update(data).digest("hex");
}

function hmac(key: Buffer, data: string): Buffer {
  return createHmac("sha256", key).update(data).digest();
}
