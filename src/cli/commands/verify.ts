/** `loophost verify`: does a real service behave as it is documented, and as this library takes it to? */

import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";

import type { Command } from "../command.ts";
import { misuse } from "../command.ts";
import { EXIT } from "../exit.ts";
import { formatMs, printable, shorten } from "../screen/format.ts";
import type { Exchange } from "../verify/captures.ts";
import { notingFetch, writeCapture } from "../verify/captures.ts";
import { priceInWords, readPrice } from "../verify/price.ts";
import type { Verdict } from "../verify/run-verify.ts";
import { planFor, runVerify } from "../verify/run-verify.ts";
import { SCENARIOS } from "../verify/scenarios.ts";
import { secretsOfEnvironment, targetOf } from "../verify/targets.ts";

const HELP = `loophost verify holds a service to what is documented of it: some 20 small conversations through
the public API, each about one thing, told as a table of what is documented and what was seen.

Usage
  loophost verify --provider <name> [options]
  loophost verify --list

Example
  loophost verify --provider claude

Options
  --provider <name>    claude, agentcore, anthropic or openai
  --model <id>         the model to ask. Default: one of the provider's
  --base-url <url>     where the service is. Default: the variables of the provider
  --harness <arn>      the harness at AgentCore. Default: LOOPHOST_HARNESS, or the only one
  --only <ids>         only these scenarios, with commas between
  --timeout <seconds>  what one run may take. Default: 60
  --record <folder>    write what went over the wire there, redacted, as fixtures
  --price <in>/<out>   US dollars for a million tokens in and out, where it is not known here
  --yes                do not ask before requests that cost are sent
  --json               the verdicts as JSON
  --list               the scenarios, without asking any service
  --help, -h           this text

It says how many requests to a model it takes and what they cost, about, and asks for a yes.
Sessions it makes are deleted again where the service can.

Exit codes
    0  everything was as documented
    1  something differs
    2  misuse: an unknown flag, provider or scenario, no yes
    4  a key or a package is missing
  130  interrupted by Ctrl-C or SIGTERM
`;

const DIFFERS = 1;

/** The command. */
export const verifyCommand: Command = {
  help: HELP,
  async run(argv, signal) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        provider: { type: "string" },
        model: { type: "string" },
        "base-url": { type: "string" },
        harness: { type: "string" },
        only: { type: "string" },
        timeout: { type: "string", default: "60" },
        record: { type: "string" },
        price: { type: "string" },
        yes: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        list: { type: "boolean", default: false },
      },
    });
    if (positionals.length > 0)
      throw misuse("loophost verify", "verify takes no argument; pass --provider <name>");
    if (values.list)
      return print(SCENARIOS.map(({ id, documented }) => `${id.padEnd(20)}${documented}`).join("\n"));
    if (values.provider === undefined)
      throw misuse("loophost verify", "Name the provider: --provider <name>");
    const timeoutMs = Number(values.timeout) * 1_000;
    if (!(timeoutMs > 0)) throw misuse("loophost verify", "--timeout must be a number of seconds above 0");
    const only = values.only?.split(",");
    const unknown = only?.find((id) => SCENARIOS.every((scenario) => scenario.id !== id));
    if (unknown !== undefined)
      throw misuse("loophost verify", `There is no scenario "${unknown}"; see --list`);

    const price = values.price === undefined ? undefined : readPrice(values.price);
    if (values.price !== undefined && price === undefined)
      throw misuse("loophost verify", `--price takes two numbers such as 3/15; got ${values.price}`);

    const exchanges: Exchange[] = [];
    const folder = values.record;
    const around = (inner: typeof fetch) => notingFetch(inner, (exchange) => exchanges.push(exchange));
    const target = await targetOf(values.provider, {
      model: values.model,
      baseUrl: values["base-url"],
      harness: values.harness,
      around: folder === undefined ? undefined : around,
    });
    const { requests } = planFor(target, only);
    const { ofTokens, besides } = target.price ?? {};
    const name = `${target.name}${target.model === undefined ? "" : ` · ${target.model}`}`;
    const plan = `${name}: ${priceInWords(requests, price ?? ofTokens, besides)}`;
    // With --json standard output is for the verdicts alone.
    if (values.json) console.error(printable(plan));
    else print(plan);
    if (!values.yes && !(await isAgreed(signal)))
      throw misuse("loophost verify", "Nothing was sent: it needs a yes, at the terminal or by --yes");

    const secrets = secretsOfEnvironment();
    const verdicts = await runVerify(target, {
      signal,
      timeoutMs,
      only,
      onVerdict: (verdict) => values.json || print(lineOf(verdict)),
      onRecording:
        folder === undefined
          ? undefined
          : async (id, lines) => {
              const at = new Date();
              await writeCapture(folder, { name: `${target.name}.${id}.jsonl`, lines, at, secrets });
              const asked = exchanges.splice(0).map((exchange) => JSON.stringify(exchange));
              if (asked.length > 0)
                await writeCapture(folder, {
                  name: `${target.name}.${id}.requests.jsonl`,
                  lines: asked,
                  at,
                  secrets,
                });
            },
    });
    const differing = verdicts.filter(({ outcome }) => outcome === "differs").length;
    const same = verdicts.filter(({ outcome }) => outcome === "same").length;
    if (values.json) print(JSON.stringify({ provider: target.name, model: target.model, verdicts }, null, 2));
    else
      print(
        `\n${same} as documented, ${differing} not, ${verdicts.length - same - differing} not for this host.`,
      );
    return differing > 0 ? DIFFERS : EXIT.ok;
  },
};

function lineOf({ id, documented, outcome, seen, ms }: Verdict): string {
  const mark = { same: "✓", differs: "✗", "not for it": "–" }[outcome];
  const time = outcome === "not for it" ? "" : `  ${formatMs(ms)}`;
  return `${mark} ${id.padEnd(20)}${documented}${time}\n  ${" ".repeat(20)}${outcome === "differs" ? "seen here: " : ""}${shorten(seen, 300)}`;
}

/** Asks at the terminal; where there is none, nobody has agreed. */
async function isAgreed(signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const said = await lines.question("Send them? [y/N] ", { signal });
    return /^y(es)?$/i.test(said.trim());
  } finally {
    lines.close();
  }
}

function print(text: string): 0 {
  process.stdout.write(`${printable(text)}\n`);
  return EXIT.ok;
}
