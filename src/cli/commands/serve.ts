/** `loophost serve`: the embedded loop host, for programs that speak to Claude Managed Agents; or a stand-in for AgentCore. */

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";

import { onAbort } from "../../core/async/abort.ts";
import { LoophostError, messageOf } from "../../core/errors.ts";
import type { EmbeddedHostOptions, RequestLine } from "../../server/index.ts";
import { chooseModel, MODEL_VARIABLES } from "../agent/choose-model.ts";
import { reword } from "../agent/in-flags.ts";
import { scriptedModel } from "../agent/scripted-model.ts";
import type { Command } from "../command.ts";
import { misuse } from "../command.ts";
import { EXIT, EXIT_CODES_HELP } from "../exit.ts";
import { isBlockedByFetch } from "../fetch-ports.ts";
import { formatMs, printable, shorten } from "../screen/format.ts";
import { portProblem } from "../serve/listening.ts";
import { isInDatabase, openStore, storeFile } from "../stored/open-store.ts";
import { WATCH_OPTIONS, watchBy } from "../watching.ts";

const HELP = `loophost serve is a loop host of your own: what speaks to Claude Managed Agents can speak to it.

Usage
  loophost serve [options]

Examples
  loophost serve --store host.db
  loophost serve --store postgres://app@db.internal/app --port 4101
  loophost serve --port 0 --verbose --prices prices.json

Options
  --wire <name>    what it speaks: claude (Claude Managed Agents) or agentcore (Amazon Bedrock
                   AgentCore Harness, a stand-in in memory, with one harness). Default: claude
  --port <number>  the port to listen on, 0 for any that is free. Default: 4100
  --host <name>    the address to listen on. Default: 127.0.0.1, this machine only
  --api-key <key>  what callers must send. Default: LOOPHOST_API_KEY, or none.
                   Without one it listens on this machine only
  --model <id>     the model to ask, whatever the agents say
  --store <file>   the SQLite file, or the postgres:// address of a database, that
                   everything is kept in. Default: LOOPHOST_STORE, or memory.
                   One host at a time has a file; many share a database, as one host
  --advertise <url>
                   the address at which the other hosts on a database reach this one.
                   Default: the one it listens on. With a file: many share it, too
  --prices <file>  JSON with the prices of models, in minor units (cents) per million tokens:
                   {"claude-sonnet-5-5": {"inputPerMillion": 300, "outputPerMillion": 1500}}
  --verbose        a line for each request, on standard error
  --wait           waits for another host on that file to end
  --take           takes the file over from it
  --log <file>     appends a JSON line for each fact and each request, without what was said.
                   Default: LOOPHOST_LOG
  --record <dir>   records each session in a file, with all that was said
  --otel           sends traces and metrics by OpenTelemetry to where
                   OTEL_EXPORTER_OTLP_ENDPOINT says; needs @opentelemetry/sdk-node
  --help, -h       this text

The model is found by the environment: ANTHROPIC_API_KEY (and ANTHROPIC_BASE_URL), or else
OPENAI_BASE_URL (and OPENAI_API_KEY). Without either it is the built-in scripted model,
which calls the tools it is told to call. An empty variable counts as not set.

Without a store everything lives in memory, and ends with it. With one the next host goes on
where this one stopped, however it stopped. Hosts that share a store may be asked for any
session; each takes over what another one leaves. Ctrl-C stops it.

${EXIT_CODES_HELP}
`;

/** The command. */
export const serveCommand: Command = {
  help: HELP,
  async run(argv, signal) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        port: { type: "string", default: "4100" },
        host: { type: "string", default: "127.0.0.1" },
        "api-key": { type: "string" },
        model: { type: "string" },
        wire: { type: "string", default: "claude" },
        store: { type: "string" },
        advertise: { type: "string" },
        prices: { type: "string" },
        verbose: { type: "boolean", default: false },
        wait: { type: "boolean", default: false },
        take: { type: "boolean", default: false },
        ...WATCH_OPTIONS,
      },
    });
    if (positionals.length > 0)
      throw misuse("loophost serve", `serve takes no argument; got ${positionals.join(" ")}`);
    const port = Number(values.port);
    if (!/^\d+$/.test(values.port) || port > 65_535)
      throw misuse("loophost serve", `--port must be a number from 0 to 65535; got ${values.port}`);
    if (isBlockedByFetch(port))
      throw misuse(
        "loophost serve",
        `No fetch connects to port ${port}, the official SDK's neither; choose another`,
      );
    if (values.wire === "agentcore") {
      const { serveAgentCore } = await import("../serve/agentcore.ts");
      return serveAgentCore({ ...values, port }, signal);
    }
    if (values.wire !== "claude")
      throw misuse("loophost serve", `There is no wire "${values.wire}", only claude and agentcore`);
    const apiKey = values["api-key"] || process.env["LOOPHOST_API_KEY"] || undefined;

    const prices = values.prices === undefined ? undefined : await readPrices(values.prices);
    const chosen = await chooseModel(values.model);
    const { embeddedHost } = await import("../../server/index.ts");
    const file = storeFile(values.store);
    const owning = owningBy(values, file);
    await using kept = file === undefined ? undefined : await openStore(file);
    await using watching = await watchBy(values);
    const host = embeddedHost({
      observers: watching.observers,
      model: chosen?.model ?? scriptedModel,
      apiKey,
      store: kept?.store,
      prices,
      onRequest(line) {
        watching.onRequest?.(line);
        if (values.verbose) console.error(describeRequest(line));
      },
      ...owning,
      onError: (error, { sessionId }) => console.error(failure(error, sessionId)),
    });
    // Ctrl-C must also end the wait for its store.
    const unlink = onAbort([signal], () => host.close());
    const listening = await host.listen({ port, hostname: values.host }).catch((thrown: unknown) => {
      if (signal.aborted) return undefined;
      throw explain(thrown, `${values.host}:${port}`);
    });
    if (listening !== undefined) {
      const place =
        kept && `in ${kept.file}${owning.advertise === undefined ? "" : ", shared with other hosts"}`;
      console.log(describe(listening.url, chosen?.label, apiKey !== undefined, place));
      if (!signal.aborted) await once(signal, "abort");
    }
    unlink();
    await host.close();
    return EXIT.ok;
  },
};

/** Whether the host is alone with its store, or shares it: a database is shared. */
function owningBy(
  {
    advertise,
    wait,
    take,
  }: { readonly advertise?: string | undefined; readonly wait: boolean; readonly take: boolean },
  file: string | undefined,
): Pick<EmbeddedHostOptions, "advertise" | "ifOwned"> {
  const address = advertise ?? (file !== undefined && isInDatabase(file) ? "auto" : undefined);
  if (address === undefined) return { ifOwned: take ? "take" : wait ? "wait" : "fail" };
  if (file === undefined)
    throw misuse("loophost serve", "--advertise is for hosts that share a store: name it with --store");
  if (wait || take)
    throw misuse("loophost serve", "Hosts share this store: there is none to wait for, or to take it from");
  return { advertise: address };
}

/** Reads the prices of models. What is in them is checked by the host. */
async function readPrices(file: string): Promise<NonNullable<EmbeddedHostOptions["prices"]>> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw misuse("loophost serve", `--prices ${file} cannot be read: ${messageOf(cause)}`);
  }
}

/** `POST /v1/sessions/:id/events 200 12 ms req_…` */
function describeRequest({ method, path, status, ms, requestId }: RequestLine): string {
  return `${method} ${path} ${status} ${formatMs(ms)} ${requestId}`;
}

/** The internal error, which clients do not see, for the operator. */
function failure(error: unknown, sessionId: string | undefined): string {
  const where = sessionId === undefined ? "" : `${sessionId}: `;
  const cause =
    error instanceof LoophostError && error.cause !== undefined ? `: ${messageOf(error.cause)}` : "";
  return printable(shorten(`${where}${messageOf(error)}${cause}`, 500));
}

/** Adds the way out to what commonly keeps a port from being had. */
function explain(thrown: unknown, address: string): unknown {
  if (!(thrown instanceof LoophostError)) return thrown;
  if (thrown.code === "session_owned")
    return reword(
      thrown,
      thrown.message
        .replace(/set ifOwned: .*? ends it/, "pass --wait, or --take to end it")
        .replace("(advertise)", "(--advertise)"),
    );
  if (thrown.code === "invalid_options")
    return reword(thrown, thrown.message.replace("Set apiKey", "Pass --api-key or set LOOPHOST_API_KEY"));
  return portProblem(thrown.cause, address) ?? thrown;
}

function describe(url: string, label: string | undefined, hasKey: boolean, place = "in memory"): string {
  const key = hasKey ? "process.env.LOOPHOST_API_KEY" : '"none"';
  const model =
    label ??
    `scripted (built in, calls the tools it is told to)\n       For a language model set ${MODEL_VARIABLES}`;
  return `Loop host at ${url}
Model  ${model}
Kept   ${place}

From the official SDK
  new Anthropic({ baseURL: "${url}", apiKey: ${key} });

From the command line
  ${hasKey ? "ANTHROPIC_API_KEY=<the key> " : ""}loophost run agent.ts "…" --provider claude --base-url ${url}

Ctrl-C stops it.`;
}
