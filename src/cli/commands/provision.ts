/** `loophost provision` and `loophost teardown`: what sessions are made from, made ahead and released. */

import { parseArgs } from "node:util";

import { isString } from "../../core/check-options.ts";
import type { Provider } from "../../core/provider.ts";
import type { ProvisionHandle, ProvisionProgress } from "../../core/provisioning.ts";
import type { Environment } from "../../provisioning/index.ts";
import { provision, teardown } from "../../provisioning/index.ts";
import { loadAgent } from "../agent/load-agent.ts";
import type { Command } from "../command.ts";
import { misuse } from "../command.ts";
import { EXIT, EXIT_CODES_HELP } from "../exit.ts";
import {
  PLACE_OPTIONS,
  PLACE_OPTIONS_HELP,
  providerFor,
  readHandle,
  readObject,
  recordsFor,
} from "../provisioned/place.ts";
import { tableOf } from "../screen/table.ts";

const PROVISION_HELP = `loophost provision makes an agent, and its environment, at a loop host, or finds those made
from the same definition.

Usage
  loophost provision <agent-file> [options]

Options
  --environment <file>  a JSON file with { "name", "runtimes", "config" }
  --check               ask the host also about a handle that is remembered
  --timeout-ms <n>      for all of it. Default: 600000
${PLACE_OPTIONS_HELP}

It prints the handle that sessions are made from; keep it, and pass it as provisioned to run()
and openSession(), or to loophost teardown. How far it is goes to standard error.

Examples
  loophost provision agent.ts --store provisions.json
  loophost provision agent.ts --json > handle.json

${EXIT_CODES_HELP}
`;

/** The command. */
export const provisionCommand: Command = {
  help: PROVISION_HELP,
  async run(argv, signal) {
    const owner = "loophost provision";
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        ...PLACE_OPTIONS,
        environment: { type: "string" },
        check: { type: "boolean" },
        "timeout-ms": { type: "string" },
      },
    });
    const [file, ...more] = positionals;
    if (file === undefined) throw misuse(owner, "An agent file is missing");
    if (more.length > 0) throw misuse(owner, "There is more than one agent file");
    const timeoutMs = values["timeout-ms"] === undefined ? undefined : Number(values["timeout-ms"]);
    if (Number.isNaN(timeoutMs)) throw misuse(owner, "--timeout-ms takes a number of milliseconds");
    const agent = await loadAgent(file);
    const environment: Environment | undefined =
      values.environment === undefined ? undefined : await readObject(values.environment);
    await using records = await recordsFor(values);
    const handle = await provision(await providerFor(owner, values), agent, {
      environment,
      store: records.store,
      ifKnown: values.check === true ? "check" : "use",
      timeoutMs,
      signal,
      onProgress: tellProgress(),
      onProblem: ({ message }) => console.error(`loophost: ${message}`),
    });
    show(handle, values.json === true);
    return EXIT.ok;
  },
};

/** Once per phase (deduplicated): a host that takes minutes reports the same phase many times. */
function tellProgress(): (progress: ProvisionProgress) => void {
  let last = "";
  return ({ kind, name, phase, elapsedMs }) => {
    const now = `${kind} ${name}: ${phase}`;
    if (now !== last) console.error(`${now} (${Math.round(elapsedMs / 1_000)} s)`);
    last = now;
  };
}

function show(handle: ProvisionHandle, isJson: boolean): void {
  if (isJson) return console.log(JSON.stringify(handle));
  const rows = Object.entries(handle).map(([name, value]) => [
    name,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  for (const line of tableOf(["field", "value"], rows)) console.log(line);
}

const TEARDOWN_HELP = `loophost teardown releases what loophost provision made: the agent and its environment.

Usage
  loophost teardown <handle-file> [options]

  <handle-file>  what loophost provision --json printed; - reads it from standard input

Options
  --dry-run          only say what would be released
${PLACE_OPTIONS_HELP}

Everything is tried, whatever becomes of the rest; what is gone already is fine, so it may be
done again. Without --provider it is the handle's own.

Examples
  loophost teardown handle.json --dry-run
  loophost teardown handle.json --store provisions.json

${EXIT_CODES_HELP}
`;

/** The command. */
export const teardownCommand: Command = {
  help: TEARDOWN_HELP,
  async run(argv, signal) {
    const owner = "loophost teardown";
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { ...PLACE_OPTIONS, "dry-run": { type: "boolean" } },
    });
    const [file, ...more] = positionals;
    if (file === undefined) throw misuse(owner, "A handle is missing");
    if (more.length > 0) throw misuse(owner, "There is more than one handle");
    const handle = await readHandle(file);
    const provider = await providerFor(owner, { provider: handle.provider, ...values });
    const isDry = values["dry-run"] === true;
    await using records = await recordsFor(values);
    // A key may be allowed to release and not to list: then all count as live. A dry run has nothing else to say.
    const live = await liveIds(provider, handle, signal).catch((thrown: unknown) => {
      if (isDry || signal.aborted) throw thrown;
      return idsOf(provider, handle);
    });
    if (!isDry) await teardown(provider, handle, { store: records.store, signal });
    tell(provider, handle, { live, isDry, isJson: values.json === true });
    return EXIT.ok;
  },
};

/** The ids of a handle, one of each kind. */
function idsOf({ provisioning }: Provider, handle: ProvisionHandle): string[] {
  const { kinds = [], ids = {} } = provisioning ?? {};
  return kinds.map((kind) => handle[ids[kind]?.[0] ?? ""]).filter(isString);
}

/** Those that are at the host still: teardown is fine with what is gone, and would not say which that was. */
async function liveIds(provider: Provider, handle: ProvisionHandle, signal: AbortSignal): Promise<string[]> {
  const { provisioning } = provider;
  const live = new Set<string>();
  for (const kind of provisioning?.kinds ?? [])
    for await (const { ids } of provisioning?.list(kind, signal) ?? [])
      for (const id of Object.values(ids)) live.add(id);
  return idsOf(provider, handle).filter((id) => live.has(id));
}

function tell(
  provider: Provider,
  handle: ProvisionHandle,
  {
    live,
    isDry,
    isJson,
  }: { readonly live: readonly string[]; readonly isDry: boolean; readonly isJson: boolean },
): void {
  const gone = idsOf(provider, handle).filter((id) => !live.includes(id));
  if (isJson) return console.log(JSON.stringify({ name: handle.name, released: live, gone, dryRun: isDry }));
  if (live.length > 0) console.log(`${isDry ? "Would release" : "Released"} ${live.join(", ")}.`);
  if (gone.length > 0) console.log(`Gone already: ${gone.join(", ")}.`);
  if (live.length + gone.length === 0) console.log("There is nothing to release: nothing was set up.");
}
