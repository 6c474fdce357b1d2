/** The loop host and the store of the commands that set things up there: chosen by flags, without an agent to run. */

import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";

import { LoophostError } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";
import type { Provider } from "../../core/provider.ts";
import type { ProvisionHandle } from "../../core/provisioning.ts";
import type { RecordsOf } from "../../provisioning/index.ts";
import { claudeHost } from "../agent/choose-host.ts";
import { scriptedModel } from "../agent/scripted-model.ts";
import { misuse } from "../command.ts";
import { openStore, storeFile } from "../stored/open-store.ts";

/** The flags, as `parseArgs` takes them. */
export const PLACE_OPTIONS = {
  provider: { type: "string" },
  "base-url": { type: "string" },
  harness: { type: "string" },
  role: { type: "string" },
  region: { type: "string" },
  folder: { type: "string" },
  store: { type: "string" },
  json: { type: "boolean" },
} as const;

/** The flags, as `parseArgs` gives them. */
export type PlaceFlags = {
  readonly [Name in keyof typeof PLACE_OPTIONS]?: (typeof PLACE_OPTIONS)[Name]["type"] extends "string"
    ? string | undefined
    : boolean | undefined;
};

/** The flags as `--help` shows them. */
export const PLACE_OPTIONS_HELP: string = `\
  --provider <name>  the loop host: claude (the default), agentcore or local
  --base-url <url>   where it is. Default: ANTHROPIC_BASE_URL for claude, or the service
  --role <arn>       at agentcore, the role that harnesses work as. Default: LOOPHOST_ROLE
  --region <name>    at agentcore. Default: what every AWS SDK finds
  --store <file>     where handles and tags are kept: a .json file, a SQLite file, or the
                     postgres:// address of a database. Default: LOOPHOST_STORE
  --json             JSON on standard output, and nothing else there
  --help, -h         this text`;

/** The loop host that flags name. */
export async function providerFor(command: string, flags: PlaceFlags): Promise<Provider> {
  const { provider = "claude", "base-url": baseUrl, folder, region, harness } = flags;
  const role = flags.role ?? (process.env["LOOPHOST_ROLE"] || undefined);
  if (provider === "claude") return (await claudeHost(baseUrl)).provider;
  if (provider === "local") {
    const { local } = await import("../../providers/local/local.ts");
    return local({ model: scriptedModel, artifactsFolder: folder });
  }
  if (provider !== "agentcore")
    throw misuse(command, `There is no provider "${provider}", only claude, agentcore and local`);
  if (harness === undefined && role === undefined)
    throw misuse(command, "agentcore needs the role that harnesses work as; pass --role <arn>");
  const { agentcore } = await import("../../providers/agentcore/index.ts");
  return agentcore({
    baseUrl,
    controlBaseUrl: baseUrl,
    region,
    ...(harness !== undefined && { harnessArn: harness }),
    ...(role !== undefined && { harness: { executionRoleArn: role } }),
  });
}

/** A store that was named, opened. */
export interface NamedRecords extends AsyncDisposable {
  readonly store: RecordsOf | undefined;
}

/** Opens the store that flags or the environment name; none is fine. */
export async function recordsFor({ store: flag }: PlaceFlags): Promise<NamedRecords> {
  const file = storeFile(flag);
  const none = { [Symbol.asyncDispose]: () => Promise.resolve() };
  if (file === undefined) return { store: undefined, ...none };
  if (file.endsWith(".json")) {
    const { fileRecords } = await import("../../stores/file.ts");
    return { store: fileRecords(file), ...none };
  }
  const opened = await openStore(file);
  return { store: opened.store, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
}

/** The store that a command cannot do without. */
export function mustHave(command: string, { store }: NamedRecords): RecordsOf {
  if (store !== undefined) return store;
  throw misuse(command, "Tags are kept in a store; pass --store <file>");
}

/** Reads a handle from a file, or with "-" from standard input. */
export async function readHandle(path: string): Promise<ProvisionHandle> {
  const said = path === "-" ? await text(process.stdin) : await readFile(path, "utf8").catch(missing(path));
  const handle = parse(said);
  const { provider, name, digest } = isObject(handle) ? handle : {};
  if (typeof provider === "string" && typeof name === "string" && typeof digest === "string")
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: what was parsed is JSON, and has the three fields
    return handle as ProvisionHandle;
  throw new LoophostError(
    "invalid_options",
    `${path} holds no handle, as loophost provision --json prints it.`,
  );
}

/** Reads a JSON object from a file. */
export async function readObject(path: string): Promise<Record<string, unknown>> {
  const value = parse(await readFile(path, "utf8").catch(missing(path)));
  if (isObject(value)) return value;
  throw new LoophostError("invalid_options", `${path} does not hold a JSON object.`);
}

function parse(said: string): unknown {
  try {
    return JSON.parse(said);
  } catch {
    return undefined;
  }
}

function missing(path: string): (thrown: unknown) => never {
  return (cause) => {
    throw new LoophostError("invalid_options", `${path} cannot be read.`, { cause });
  };
}
