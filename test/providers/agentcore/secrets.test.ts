// Nothing we hand out shows a credential: not in a log, and not when it is inspected to the bottom, hidden properties included. The
// SDK's own errors and clients do.

import { inspect } from "node:util";

import { expect, it } from "vitest";

import { defineAgent, defineTool, openSession } from "../../../src/index.ts";
import type { Session } from "../../../src/index.ts";
import type { AgentCoreOptions } from "../../../src/providers/agentcore/agentcore.ts";
import { createClient } from "../../../src/providers/agentcore/control/create-client.ts";
import { runCommand } from "../../../src/providers/agentcore/session/run-command.ts";
import type { Fault } from "../../../src/stand-ins/agentcore/faults.ts";
import type { AgentCoreStandIn } from "../../../src/stand-ins/agentcore/stand-in.ts";
import { memoryStore } from "../../../src/stores/memory.ts";
import { providerFor, standIn } from "./support.ts";

const KEYS = {
  accessKeyId: "AKIASECRETKEYID",
  secretAccessKey: "a-secret-access-key",
  sessionToken: "a-session-token",
};
const BEARER = "a.bearer.token";
const API_KEY = "sk-api-key";
const SECRETS = [...Object.values(KEYS), BEARER, API_KEY];

const look = defineTool({
  name: "look",
  description: "Looks.",
  input: { type: "object" },
  execute: () => "seen",
});
const agent = defineAgent({ name: "looker", instructions: "", tools: [look] });

/** What is in there for anybody who looks, and for whoever keeps it as JSON. */
function secretsIn(things: unknown): string[] {
  const shown = inspect(things, {
    showHidden: true,
    depth: Number.POSITIVE_INFINITY,
    maxStringLength: null,
    maxArrayLength: null,
  });
  const kept = [things].flat().map((thing) => (thing instanceof Error ? thing.stack : JSON.stringify(thing)));
  return SECRETS.filter((secret) => [shown, ...kept].some((text) => text?.includes(secret)));
}

const faults: readonly [string, Fault | undefined][] = [
  ["nothing goes wrong", undefined],
  ["access is denied", { is: "refusal", status: 403, type: "AccessDeniedException" }],
  ["a token has expired", { is: "refusal", status: 403, type: "ExpiredTokenException" }],
  ["what was sent is the name of the error", { is: "refusal", status: 400, type: "Sent" }],
  ["the service fails", { is: "refusal", status: 503, type: "ServiceUnavailableException" }],
  ["the container fails", { is: "refusal", status: 424, type: "RuntimeClientError" }],
  ["the connection breaks before the headers", { is: "reset", at: "request" }],
  ["the connection breaks in the middle", { is: "reset", at: 1 }],
  ["a checksum is wrong", { is: "bad checksum", at: 1, of: "message" }],
  ["a frame is cut off", { is: "cut", at: 1, bytes: 7 }],
  ["JSON comes instead", { is: "json" }],
  [
    "the service quotes what it was sent",
    {
      is: "exception",
      at: 1,
      type: "validationException",
      message: "Sent",
    },
  ],
];

/** A fault in whose words the service quotes what it was sent. */
function quoting(fault: Fault | undefined, sent: string): Fault | undefined {
  if (fault?.is === "refusal" && fault.type === "Sent") return { ...fault, type: sent.replaceAll(/\s/g, "") };
  return fault?.is === "exception" ? { ...fault, message: sent } : fault;
}

for (const kind of ["keys", "keys by a function", "a bearer token"] as const)
  it.each(faults)(`shows none of ${kind} when %s [I11]`, async (_, fault) => {
    const isBearer = kind === "a bearer token";
    const host = await standIn({
      model: () => "Hello.",
      credentials: [KEYS],
      ...(isBearer && { bearerToken: BEARER }),
    });
    const sent = isBearer ? BEARER : `${KEYS.sessionToken} ${KEYS.accessKeyId}`;
    const things = await heldWith(host, quoting(fault, sent), {
      credentials: kind === "keys by a function" ? async () => KEYS : KEYS,
      ...(isBearer && { bearerToken: async () => BEARER }),
    });
    expect(secretsIn(things)).toEqual([]);
  });

/** A session that fails, all that comes of it, and all it is held with. */
async function heldWith(
  host: AgentCoreStandIn,
  fault: Fault | undefined,
  options: Partial<AgentCoreOptions>,
): Promise<unknown[]> {
  const store = memoryStore();
  const provider = providerFor(host, options);
  const things: unknown[] = [provider, store];
  let session: Session | undefined;
  try {
    session = await openSession(agent, { provider, store, onEvent: (event) => things.push(event) });
    things.push(session);
    if (fault !== undefined) host.fail(fault);
    const run = session.send("Hi");
    things.push(run);
    things.push(await run.result().catch((thrown: unknown) => thrown));
    if (options.retry !== undefined) return things;
    // A command is patient, so only where it need not be.
    if (fault !== undefined) host.fail(fault);
    const { url: baseUrl, harnessArn } = host;
    const { credentials, bearerToken } = options;
    const command = {
      harnessArn,
      sessionId: session.id,
      command: "ls",
      baseUrl,
      credentials,
      bearerToken,
    };
    things.push(await runCommand(command).catch((thrown: unknown) => thrown));
    return things;
  } finally {
    await session?.close();
  }
}

it("shows none when nobody listens, keys are wrong or throttled for good, or a token cannot be sent", async () => {
  const host = await standIn({ model: () => "Hello.", credentials: [KEYS] });
  const gone = await standIn({ model: () => "Hello." });
  await gone.close();
  const once = { retry: { attempts: 1 } };
  const throttled = { is: "refusal", status: 429, type: "ThrottlingException", retryAfter: 0 } as const;
  const things = [
    ...(await heldWith(gone, undefined, { ...once, credentials: KEYS })),
    ...(await heldWith(host, undefined, {
      ...once,
      credentials: { ...KEYS, secretAccessKey: `${KEYS.secretAccessKey}x` },
    })),
    ...(await heldWith(host, throttled, { ...once, credentials: KEYS })),
    ...(await heldWith(host, undefined, { ...once, bearerToken: `${BEARER}\n` })),
    ...(await heldWith(host, undefined, {
      ...once,
      credentials: () => Promise.reject(new Error("no keys today")),
    })),
  ];
  expect(things.filter((thing) => thing instanceof Error)).toHaveLength(5);
  expect(secretsIn(things)).toEqual([]);
});

it("shows none of what the control plane is given", async () => {
  const host = await standIn({ model: () => "Hello.", credentials: [KEYS] });
  const control = createClient({ controlBaseUrl: host.url, credentials: KEYS, region: "us-west-2" });
  const failures = [
    () => control.harnesses.get("Nobody-0123456789"),
    () => (
      host.failControl({ is: "refusal", status: 400, type: API_KEY }),
      control.apiKeys.create("k", API_KEY)
    ),
    () => (
      host.failControl({ is: "refusal", status: 403, type: "ExpiredTokenException" }),
      control.harnesses.get("x")
    ),
  ];
  const things: unknown[] = [control, await control.apiKeys.create("k", API_KEY)];
  for (const fail of failures) things.push(await fail().catch((thrown: unknown) => thrown));
  expect(things.filter((thing) => thing instanceof Error)).toHaveLength(failures.length);
  expect(secretsIn(things)).toEqual([]);
});
