/**
 * Languages for an environment, as a script that installs them with mise, and instructions for an agent to run it once.
 *
 * Every value goes into a shell script and a prompt: what is not of letters, digits and a few marks is refused, or it would be an
 * injection.
 */

import type { Checks } from "../core/check-options.ts";
import { checkOptions, listOf, must, oneOf } from "../core/check-options.ts";

/** A language and how it is installed. */
export interface Runtime {
  /** As mise names it: "node", "python", "erlang", … */
  readonly language: string;
  /** Whole or in part: "22", "3.12.4". Letters, digits, dot, dash and plus. */
  readonly version: string;
  /** What installs it. Default "mise", the only one there is. */
  readonly installer?: "mise" | undefined;
  /** Hosts it is downloaded from, beside those that are known, for environments whose network is limited. */
  readonly hosts?: readonly string[] | undefined;
}

/** How runtimes are installed. */
export interface Bootstrap {
  /** A bash script; running it again does no harm. Empty without runtimes. */
  readonly script: string;
  /** For the system prompt: what is to be installed, when, and the script. Empty without runtimes. */
  readonly instructions: string;
  /** Hosts that are downloaded from, sorted. */
  readonly hosts: readonly string[];
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const VERSION = /^[A-Za-z0-9][A-Za-z0-9.+-]{0,63}$/;
const HOST =
  /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$/;

/**
 * Checks runtimes.
 *
 * @throws LoophostError `invalid_options` with the place of the wrong one
 */
export function checkRuntimes(owner: string, runtimes: readonly Runtime[]): void {
  for (const [index, runtime] of runtimes.entries())
    checkOptions(`${owner}: runtimes[${index}]`, runtime, RUNTIME, ["language", "version"]);
}

const matching = (be: string, pattern: RegExp) =>
  must(be, (value) => typeof value === "string" && pattern.test(value));

const RUNTIME: Checks<Runtime> = {
  language: matching("a language of letters, digits, dashes and underscores", NAME),
  version: matching('a version of letters, digits, ".", "-" and "+"', VERSION),
  installer: oneOf("mise"),
  hosts: listOf("host names", (host) => typeof host === "string" && HOST.test(host)),
};

/** Renders runtimes that have been checked: the same list gives the same text, everywhere. */
export function bootstrap(runtimes: readonly Runtime[]): Bootstrap {
  if (runtimes.length === 0) return { script: "", instructions: "", hosts: [] };
  const tools = inOrder(runtimes).map((runtime) => `${runtime.language}@${versionOf(runtime, runtimes)}`);
  const script = scriptFor(tools);
  return { script, instructions: instructionsFor(tools, script), hosts: hostsFor(runtimes) };
}

/** Elixir runs on Erlang, and is built against it: so Erlang is installed first. */
function inOrder(runtimes: readonly Runtime[]): readonly Runtime[] {
  const first = ["erlang", "elixir"].flatMap((name) => runtimes.filter(({ language }) => language === name));
  return [...first, ...runtimes.filter((runtime) => !first.includes(runtime))];
}

function versionOf({ language, version }: Runtime, runtimes: readonly Runtime[]): string {
  const erlang = runtimes.find((other) => other.language === "erlang");
  if (language !== "elixir" || erlang === undefined || version.includes("-otp-")) return version;
  return `${version}-otp-${/^[A-Za-z0-9]+/.exec(erlang.version)?.[0] ?? ""}`;
}

function scriptFor(tools: readonly string[]): string {
  return `#!/usr/bin/env bash
set -euo pipefail
export LANG=C.UTF-8 LC_ALL=C.UTF-8
export PATH="$HOME/.local/bin:$HOME/.local/share/mise/shims:$PATH"
command -v mise >/dev/null 2>&1 || curl -fsSL https://mise.run | sh
${tools.map((tool) => `mise use --global --yes ${tool}`).join("\n")}
mise install --yes
touch "$HOME/.bashrc"
if ! grep -q '# loophost runtimes' "$HOME/.bashrc"; then
  cat >> "$HOME/.bashrc" <<'PROFILE'
# loophost runtimes
export LANG=C.UTF-8 LC_ALL=C.UTF-8
export PATH="$HOME/.local/bin:$HOME/.local/share/mise/shims:$PATH"
PROFILE
fi
`;
}

function instructionsFor(tools: readonly string[], script: string): string {
  return `# Runtimes

These runtimes are for you to use, and are not installed yet: ${tools.join(", ")}.
Before you use any of them for the first time, run the following script exactly once, with bash. Running it again does no harm.

\`\`\`bash
${script}\`\`\``;
}

/** mise itself, its list of versions, and the releases on GitHub it and most languages come from. */
const MISE = [
  "api.github.com",
  "github.com",
  "mise-versions.jdx.dev",
  "mise.jdx.dev",
  "mise.run",
  "objects.githubusercontent.com",
  "release-assets.githubusercontent.com",
];

/** Where languages come from that are not released on GitHub. */
const OF_LANGUAGES: ReadonlyMap<string, readonly string[]> = new Map([
  ["deno", ["dl.deno.land"]],
  ["elixir", ["builds.hex.pm", "repo.hex.pm"]],
  ["erlang", ["builds.hex.pm"]],
  ["go", ["dl.google.com", "go.dev"]],
  ["java", ["download.java.net", "mise-java.jdx.dev"]],
  ["node", ["nodejs.org"]],
  ["ruby", ["cache.ruby-lang.org"]],
  ["rust", ["sh.rustup.rs", "static.rust-lang.org"]],
  ["zig", ["ziglang.org"]],
]);

function hostsFor(runtimes: readonly Runtime[]): readonly string[] {
  const own = runtimes.flatMap(({ language, hosts = [] }) => [
    ...(OF_LANGUAGES.get(language) ?? []),
    ...hosts,
  ]);
  return [...new Set([...MISE, ...own])].toSorted();
}
