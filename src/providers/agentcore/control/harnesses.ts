/** Harnesses: an agent's definition and the machine its sessions run in, in numbered versions that never change. */

import type { Check } from "../../../core/check-options.ts";
import { checkSome, must } from "../../../core/check-options.ts";
import { LoophostError } from "../../../core/errors.ts";
import { isObject } from "../../../core/json.ts";
import type { Answer, CallOptions, ControlRequests } from "./requests.ts";
import { unexpected } from "./requests.ts";
import type { WaitOptions } from "./wait.ts";
import { Budget, waitUntilGone, waitUntilReady } from "./wait.ts";

/** A harness as the service shows it; times are ISO strings. */
export interface HarnessRecord {
  readonly harnessId: string;
  readonly harnessName: string;
  readonly arn: string;
  /** `READY`, or one of the service's other words for it. */
  readonly status: string;
  readonly harnessVersion?: string;
  readonly failureReason?: string;
  readonly [field: string]: unknown;
}

/** What a harness is made of, in the words of the service. */
export interface NewHarness {
  /** Up to 40 letters, digits and underscores; begins with a letter. No two in an account and region have the same. */
  readonly harnessName: string;
  /** The role the harness works as. */
  readonly executionRoleArn: string;
  readonly [field: string]: unknown;
}

/** What to change: what is left out stays, lists and maps are replaced whole, `{}` in an optional value clears it. */
export type HarnessChanges = Readonly<Record<string, unknown>>;

/** What can be done with harnesses. Every method rejects with a LoophostError. */
export interface HarnessCalls {
  /** Makes one; it is CREATING for minutes. */
  create(harness: NewHarness, options?: CallOptions): Promise<HarnessRecord>;
  /** The newest version, or the one asked for. */
  get(id: string, options?: CallOptions & { readonly version?: string | undefined }): Promise<HarnessRecord>;
  /** Makes a new version, which the endpoint DEFAULT serves once it is ready. */
  update(id: string, changes: HarnessChanges, options?: CallOptions): Promise<HarnessRecord>;
  /** All of them, without what they are made of. */
  list(options?: CallOptions): AsyncIterable<HarnessRecord>;
  versions(id: string, options?: CallOptions): AsyncIterable<HarnessRecord>;
  /** Begins to delete one, which takes minutes; the memory the service made for it goes too, unless that is to stay. */
  delete(id: string, options?: CallOptions & { readonly keepMemory?: boolean | undefined }): Promise<void>;
  /** Waits until it is READY. */
  waitUntilReady(id: string, options?: WaitOptions): Promise<HarnessRecord>;
  /** Waits until it is deleted. */
  waitUntilGone(id: string, options?: WaitOptions): Promise<void>;
}

/** The harnesses of an account and region. */
export function harnessCalls(requests: ControlRequests): HarnessCalls {
  const { clock } = requests;
  return {
    create: (harness, options) => createHarness(requests, harness, options),
    get: (id, { version, signal } = {}) => getHarness(requests, id, { version, signal }),
    update: async (id, changes, { signal } = {}) => {
      const input = { ...changes, harnessId: id, clientToken: crypto.randomUUID() };
      const doing = `Changing harness ${id}`;
      return readHarness(await requests.repeat({ command: "UpdateHarness", input, doing, signal }), doing);
    },
    list: ({ signal } = {}) => listHarnesses(requests, { signal }),
    versions: async function* (id, { signal } = {}) {
      const doing = `Listing the versions of harness ${id}`;
      const request = { command: "ListHarnessVersions", input: { harnessId: id }, doing, signal };
      for await (const item of requests.list(request, "harnessVersions")) yield toHarness(item, doing);
    },
    delete: (id, options) => deleteHarness(requests, id, options),
    waitUntilReady: (id, options = {}) => waitUntilReady(waitOn(requests, id, new Budget(clock, options))),
    waitUntilGone: (id, options = {}) => waitUntilGone(waitOn(requests, id, new Budget(clock, options))),
  };
}

/** Makes one; repeated with its token, so that a lost reply makes no second one. */
export async function createHarness(
  requests: ControlRequests,
  harness: NewHarness,
  options: CallOptions & { readonly leftMs?: number } = {},
): Promise<HarnessRecord> {
  checkSome("a harness", harness, { harnessName: HARNESS_NAME, executionRoleArn: ROLE }, [
    "harnessName",
    "executionRoleArn",
  ]);
  const input = {
    ...harness,
    executionRoleArn: harness.executionRoleArn.trim(),
    clientToken: crypto.randomUUID(),
  };
  const doing = `Making harness ${harness.harnessName}`;
  return readHarness(await requests.repeat({ command: "CreateHarness", input, doing, ...options }), doing);
}

/** Looks at one. */
async function getHarness(
  requests: ControlRequests,
  id: string,
  {
    version,
    signal,
    leftMs,
  }: CallOptions & { readonly version?: string | undefined; readonly leftMs?: number | undefined } = {},
): Promise<HarnessRecord> {
  const doing = `Reading harness ${id}`;
  const input = { harnessId: id, harnessVersion: version };
  return readHarness(await requests.repeat({ command: "GetHarness", input, doing, signal, leftMs }), doing);
}

/** Looks through all pages. */
export async function* listHarnesses(
  requests: ControlRequests,
  options: CallOptions & { readonly leftMs?: number } = {},
): AsyncGenerator<HarnessRecord, void, void> {
  const doing = "Listing harnesses";
  const request = { command: "ListHarnesses", input: {}, doing, ...options };
  for await (const item of requests.list(request, "harnesses")) yield toHarness(item, doing);
}

/** Begins to delete one; one that is gone is deleted. */
export async function deleteHarness(
  requests: ControlRequests,
  id: string,
  {
    keepMemory,
    ...options
  }: CallOptions & { readonly keepMemory?: boolean | undefined; readonly leftMs?: number | undefined } = {},
): Promise<void> {
  const deleteManagedMemory = keepMemory === true ? false : undefined;
  const input = { harnessId: id, clientToken: crypto.randomUUID(), deleteManagedMemory };
  try {
    await requests.repeat({ command: "DeleteHarness", input, doing: `Deleting harness ${id}`, ...options });
  } catch (thrown) {
    if (!isGone(thrown)) throw thrown;
  }
}

/** A wait that looks at one. */
export function waitOn(
  requests: ControlRequests,
  id: string,
  budget: Budget,
): Parameters<typeof waitUntilReady<HarnessRecord>>[0] {
  const { signal } = budget;
  return {
    what: `Harness ${id}`,
    id,
    budget,
    look: (leftMs) =>
      getHarness(requests, id, { signal, leftMs }).catch((thrown: unknown) => {
        if (isGone(thrown)) return undefined;
        throw thrown;
      }),
  };
}

/** Whether an error says that the thing is not there. */
export function isGone(thrown: unknown): boolean {
  return thrown instanceof LoophostError && thrown.status === 404;
}

/** What the name of a harness has to be. */
const HARNESS_NAME: Check = must(
  "up to 40 letters, digits and underscores, and begin with a letter",
  (value) => typeof value === "string" && /^[a-zA-Z][a-zA-Z0-9_]{0,39}$/.test(value),
);

/** What a role has to be: a blank one is refused over there with a word nobody understands. */
export const ROLE: Check = must(
  "the ARN of a role, such as arn:aws:iam::123456789012:role/Agents",
  (value) => typeof value === "string" && /^arn:aws[a-z-]*:iam::\d{12}:role\/\S+$/.test(value.trim()),
);

function readHarness({ harness }: Answer, doing: string): HarnessRecord {
  if (!isObject(harness)) throw unexpected(doing, "no harness");
  return toHarness(harness, doing);
}

/** Kept by id from here on: an answer without one would be the handle of nothing. */
function toHarness(harness: Answer, doing: string): HarnessRecord {
  const { harnessId, harnessName, arn, status } = harness;
  const texts = [harnessId, harnessName, arn, status];
  if (!texts.every((text) => typeof text === "string" && text !== ""))
    throw unexpected(doing, "a harness without id, name, ARN or status");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: what is needed was checked above
  return harness as HarnessRecord;
}
