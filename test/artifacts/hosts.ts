// Sessions with files: one on each host that keeps them.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { defineAgent, openSession } from "loophost";
import type { Provider } from "loophost";
import { artifacts } from "loophost/artifacts";
import type { Artifacts } from "loophost/artifacts";
import { claude } from "loophost/providers/claude";
import { local } from "loophost/providers/local";
import { embeddedHost } from "loophost/server";
import { onTestFinished } from "vitest";

const agent = defineAgent({ name: "a", instructions: "", model: "m" });
const model = () => "hi";

/** A folder of the test's own. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "loophost-artifacts-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The files of a new session. */
export async function filesOf(provider: Provider): Promise<Artifacts> {
  const session = await openSession(agent, { provider });
  await session.close();
  return artifacts(provider, session.id);
}

/** A provider for each host. */
export const providerOf: Readonly<Record<"local" | "claude", () => Promise<Provider>>> = {
  local: async () => local({ model, artifactsFolder: newFolder() }),
  claude: async () => {
    const host = embeddedHost({ model });
    const { url } = await host.listen();
    onTestFinished(() => host.close());
    return claude({ baseUrl: url, retry: { firstDelayMs: 1, maxDelayMs: 2 } });
  },
};
