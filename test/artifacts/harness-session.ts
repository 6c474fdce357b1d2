// A session in a harness, whose shell is a real one over a folder of the test's.

import { spawnSync } from "node:child_process";
import { join } from "node:path";

import type { Artifacts } from "loophost/artifacts";
import { artifacts } from "loophost/artifacts";
import { agentcore } from "loophost/providers/agentcore";
import { agentCoreStandIn } from "loophost/testing/agentcore";
import { onTestFinished } from "vitest";

import { newFolder } from "./hosts.ts";

const sessionId = "session-".padEnd(40, "0");

/** A session, and what its machine was told to do. */
export interface HarnessSession {
  /** The folder that the mount is in. */
  readonly folder: string;
  readonly mount: string;
  readonly commands: readonly string[];
  readonly files: Artifacts;
}

/**
 * Makes a session in a harness.
 *
 * @param meddle called before each command
 */
export async function harnessSession(
  meddle: (command: string) => void = () => undefined,
): Promise<HarnessSession> {
  const folder = newFolder();
  const commands: string[] = [];
  const standIn = await agentCoreStandIn({
    model: () => "hi",
    onCommand: (command) => {
      meddle(command);
      commands.push(command);
      const { stdout, stderr, status } = spawnSync("bash", ["-c", command], {
        encoding: "utf8",
        maxBuffer: 1e8,
      });
      return { stdout, stderr, exitCode: status ?? -1 };
    },
  });
  onTestFinished(() => standIn.close());
  const { url: baseUrl, harnessArn } = standIn;
  const mount = join(folder, "mnt");
  const provider = agentcore({ harnessArn, baseUrl, controlBaseUrl: baseUrl, artifactsPath: mount });
  return { folder, mount, commands, files: artifacts(provider, sessionId) };
}
