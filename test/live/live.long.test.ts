// The real services, where there is a key: what `loophost verify` asks, with its cheapest models. Without one it skips, and
// says which variable it wants. LIVE_<PROVIDER>_MODEL names another model.

import { expect, it } from "vitest";

import { runVerify } from "../../src/cli/verify/run-verify.ts";
import { TARGETS, targetOf } from "../../src/cli/verify/targets.ts";

const WANTED: Record<string, readonly string[]> = {
  claude: ["LIVE_CLAUDE", "ANTHROPIC_API_KEY"],
  anthropic: ["LIVE_ANTHROPIC", "ANTHROPIC_API_KEY"],
  openai: ["LIVE_OPENAI", "OPENAI_API_KEY"],
  agentcore: ["LIVE_AGENTCORE", "LOOPHOST_HARNESS", "AWS_REGION"],
};

/** Unset, empty and blank are the same: an empty secret of a CI job is no key. */
function isSet(name: string): boolean {
  return (process.env[name] ?? "").trim() !== "";
}

for (const name of TARGETS) {
  const missing = (WANTED[name] ?? []).filter((variable) => !isSet(variable));
  it(`${name} is as documented [A-254]`, { timeout: 600_000 }, async ({ skip }) => {
    skip(missing.length > 0, `set ${missing.join(", ")}`);
    const model = process.env[`LIVE_${name.toUpperCase()}_MODEL`] || undefined;
    const target = await targetOf(name, { model });
    const verdicts = await runVerify(target, { signal: new AbortController().signal, timeoutMs: 60_000 });
    expect(verdicts.filter(({ outcome }) => outcome === "differs")).toEqual([]);
  });
}
