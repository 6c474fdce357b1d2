/** `loophost conformance`: asks a server that speaks the wire of Claude Managed Agents whether it speaks it right. */

import { parseArgs } from "node:util";

import type {
  ConformanceAuth,
  ConformanceCheck,
  ConformanceReport,
  ConformanceTier,
  ConformanceResult,
} from "../../conformance/index.ts";
import { hasCode } from "../../core/errors.ts";
import { reword } from "../agent/in-flags.ts";
import type { Command } from "../command.ts";
import { misuse } from "../command.ts";
import type { ExitCode } from "../exit.ts";
import { EXIT } from "../exit.ts";
import { count, formatMs, printable } from "../screen/format.ts";

const AUTHS: readonly ConformanceAuth[] = ["bearer", "x-api-key", "both"];
const TIERS: readonly ConformanceTier[] = [1, 2, 3];
const CHECK_FAILED = 1;

const HELP = `loophost conformance checks a server that speaks the wire of Claude Managed Agents.

Usage
  loophost conformance <base-url> [options]
  loophost conformance --list

Examples
  loophost conformance http://127.0.0.1:4100

Options
  --api-key <key>      what the server wants to see. Default: LOOPHOST_API_KEY, or none
  --auth <how>         how the key is sent: bearer, x-api-key or both. Default: bearer
  --model <id>         the model of the agents that are made. Default: claude-sonnet-5-5
  --tier <1, 2 or 3>   the highest tier to ask for. Default: 3. What is not there is skipped
  --only <names>       only these checks: ids or areas, with commas between
  --skip <names>       not these checks
  --strict             a model that does not do as told fails its check, rather than skip it
  --timeout <seconds>  what a check may take. Default: 60; the one about silence takes 20 more
  --json               the report as JSON, and nothing else on standard output
  --list               all checks, without asking any server
  --help, -h           this text

The checks make agents, environments, sessions and files, and take them away again. About
half of them need a model that follows instructions; on a paid service that costs a little.
The scripted model of loophost serve does, too.

Exit codes
    0  no check failed
    1  a check failed
    2  misuse: an unknown flag, check or area, an address that is none, no check left to run
    5  the server was not reached, went away, refused the key, or speaks something else
  130  interrupted by Ctrl-C or SIGTERM
`;

/** The command. */
export const conformanceCommand: Command = {
  help: HELP,
  async run(argv, signal) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        "api-key": { type: "string" },
        auth: { type: "string", default: "bearer" },
        model: { type: "string" },
        tier: { type: "string", default: "3" },
        only: { type: "string" },
        skip: { type: "string" },
        strict: { type: "boolean" },
        timeout: { type: "string", default: "60" },
        json: { type: "boolean", default: false },
        list: { type: "boolean", default: false },
      },
    });
    const { conformanceChecks, runConformance } = await import("../../conformance/index.ts");
    if (values.list) return print(listOf(conformanceChecks, values.json));
    const [baseUrl, ...more] = positionals;
    if (baseUrl === undefined || more.length > 0)
      throw misuse("loophost conformance", "conformance takes one argument, the address of a server");

    let area = "";
    const report = await runConformance({
      baseUrl,
      apiKey: values["api-key"] || process.env["LOOPHOST_API_KEY"] || undefined,
      auth: oneOf("--auth", AUTHS, values.auth),
      model: values.model,
      tier: oneOf("--tier", TIERS, values.tier),
      only: values.only?.split(","),
      skip: values.skip?.split(","),
      strict: values.strict,
      timeoutMs: secondsOf(values.timeout) * 1_000,
      signal,
      onCheck(verdict) {
        if (values.json) return;
        if (verdict.area !== area) print(`${area === "" ? "" : "\n"}${verdict.area}`);
        area = verdict.area;
        print(linesOf(verdict));
      },
    }).catch((thrown: unknown) => {
      throw explain(thrown);
    });
    if (report.checks.length === 0)
      throw misuse("loophost conformance", "--only, --skip and --tier together leave no check to run");
    print(values.json ? JSON.stringify(report, null, 2) : summaryOf(report));
    return report.failed + report.notTried > 0 ? CHECK_FAILED : EXIT.ok;
  },
};

/** Names the flags where the checks name what they set. */
function explain(thrown: unknown): unknown {
  if (!hasCode(thrown, "host_rejected")) return thrown;
  const flags = "--api-key or LOOPHOST_API_KEY gives it, --auth says how it is sent.";
  return reword(thrown, thrown.message.replace(/Pass the right one.*$/, flags));
}

function oneOf<T extends string | number>(flag: string, allowed: readonly T[], given: string): T {
  const found = allowed.find((value) => String(value) === given);
  if (found === undefined)
    throw misuse("loophost conformance", `${flag} must be one of ${allowed.join(", ")}; got ${given}`);
  return found;
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (seconds > 0 && seconds <= 86_400) return seconds;
  throw misuse("loophost conformance", `--timeout must be a number of seconds above 0; got ${text}`);
}

/** A verdict as people read it: one line, and for a failure all there is to find its cause. */
function linesOf({ id, kind, outcome, title, why, whyNot, sent, came }: ConformanceResult): string {
  const isExtension = kind === "extension";
  const mark = { pass: isExtension ? "yes" : "✓", absent: "no ", fail: "✗", skip: "–", not_tried: "?" }[
    outcome
  ];
  const line = `  ${mark} ${title}  [${id}]`;
  if (outcome === "skip") return `${line}\n      skipped: ${whyNot}`;
  if (outcome !== "fail" && outcome !== "not_tried") return line;
  const details = [
    ...(sent === undefined ? [] : [`sent:     ${sent}`]),
    ...(came === undefined ? [] : [`came:     ${came}`]),
    outcome === "not_tried" ? `not tried: ${whyNot}` : (whyNot?.replace(/^expected /, "expected: ") ?? ""),
    ...(outcome === "not_tried" ? [] : [`matters:  ${why}`]),
  ];
  return [line, ...details.map((detail) => `      ${detail.replaceAll("\n", "\n        ")}`)].join("\n");
}

function summaryOf({ passed, failed, skipped, notTried, left, ms }: ConformanceReport): string {
  const lines = [
    `\n${passed} passed, ${failed} failed, ${skipped} skipped${notTried > 0 ? `, ${notTried} not tried` : ""} in ${formatMs(ms)}.`,
  ];
  if (left.length > 0) lines.push(`Could not be taken away: ${left.join(", ")}`);
  return lines.join("\n");
}

function listOf(checks: readonly ConformanceCheck[], isJson: boolean): string {
  if (isJson) return JSON.stringify(checks, null, 2);
  const width = Math.max(...checks.map(({ id }) => id.length));
  const lines = checks.map(({ id, tier, title }) => `${id.padEnd(width)}  tier ${tier}  ${title}`);
  return `${lines.join("\n")}\n\n${count(checks.length, "check")}.`;
}

/** Strips control characters: what servers send may hold escape sequences and line breaks. */
function print(text: string): ExitCode {
  process.stdout.write(`${printable(text)}\n`);
  return EXIT.ok;
}
