// Sessions with files: one on each host that keeps them.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { defineAgent, openSession } from "loophost";
import type { Provider } from "loophost";
import { artifacts } from "loophost/artifacts";
import type { Artifacts } from "loophost/artifacts";
import { claude, createClient } from "loophost/providers/claude";
import type { ClaudeFile, ClaudeOptions, ClaudeWireObject } from "loophost/providers/claude";
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

const retry = { attempts: 2, firstDelayMs: 1, maxDelayMs: 2 };

/** A session at an embedded host, and what is there. */
export interface SessionAtClaude {
  readonly baseUrl: string;
  /** Its files for another process, through a way of its own to the host. */
  readonly filesBy: (options?: ClaudeOptions) => Artifacts;
  readonly stored: () => Promise<readonly ClaudeFile[]>;
  readonly resources: () => Promise<readonly ClaudeWireObject[]>;
}

/** Makes a session at an embedded host. */
export async function sessionAtClaude(): Promise<SessionAtClaude> {
  const host = embeddedHost({ model });
  const { url: baseUrl } = await host.listen();
  onTestFinished(() => host.close());
  const session = await openSession(agent, { provider: claude({ baseUrl }) });
  await session.close();
  const client = createClient({ baseUrl });
  return {
    baseUrl,
    filesBy: (options = {}) => artifacts(claude({ baseUrl, retry, ...options }), session.id),
    stored: () => Array.fromAsync(client.files.list()),
    resources: () => Array.fromAsync(client.sessions.resources.list(session.id)),
  };
}
