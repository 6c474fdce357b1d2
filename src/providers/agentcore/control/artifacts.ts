/**
 * The files of a session in a folder of its machine, through its shell: there is no other way in. A `sessionStorage` mount keeps them when
 * the machine is replaced.
 *
 *   A1  bytes travel as Base64 in commands of bounded size, into a part file of its own; a rename puts it in place, once its checksum holds
 *   A2  what goes into a command is of letters, digits, dots, dashes and underscores: nothing can be read as shell
 *   A3  what is read is checked against the checksum it had when reading began: a file that was replaced meanwhile is an error
 */

import type { Artifact, ArtifactPlace, ArtifactStorage } from "../../../core/artifacts.ts";
import { LoophostError } from "../../../core/errors.ts";
import { atMostBytes, readBytes } from "../../../core/wire/body.ts";
import type { CommandOptions, CommandResult } from "../session/run-command.ts";
import { runCommand } from "../session/run-command.ts";

/** What reaching a session's shell needs, but for the session. */
export type ShellOptions = Omit<CommandOptions, "harnessArn" | "sessionId" | "command"> & {
  readonly harnessArn?: string | undefined;
};

/** Bytes a file may have at most: each 36 000 of them are a command of their own. */
const MAX_BYTES = 32 * 1024 * 1024;
/** Bytes in one command: as Base64, 48 000 characters of the 65 536 that a command may have. */
const PUT_BYTES = 36_000;
/** Bytes in one reply. */
const GET_BYTES = 3 * 1024 * 1024;
const PART = ".loophost-part-";
const NOT_THERE = 3;
const NOT_WHOLE = 4;

/** What the folder of artifacts has to be. */
export function isArtifactsPath(path: unknown): boolean {
  return typeof path === "string" && /^(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/.test(path);
}

/** The files of sessions in a folder of their machines. */
export function shellArtifacts(folder: string, options: ShellOptions): ArtifactStorage {
  const shell = (place: ArtifactPlace, signal: AbortSignal) => (command: string) =>
    ask(place, options, command, signal);
  return {
    async list(place, signal) {
      const files = `for f in ./* ./.[!.]*; do if [ -f "$f" ] && [ ! -L "$f" ]; then stat -c '%s %Y %n' "$f"; fi; done`;
      const { stdout } = await shell(place, signal)(`cd '${folder}' 2>/dev/null || exit 0; ${files}`);
      return stdout.split("\n").flatMap((line) => toArtifact(line) ?? []);
    },

    async read(place, { name }, signal) {
      const say = shell(place, signal);
      const path = pathOf(folder, name);
      const seen = await say(
        `[ -f '${path}' ] || exit ${NOT_THERE}; sha256sum < '${path}' | cut -c1-64; stat -c %s '${path}'`,
      );
      const [sum = "", size = ""] = seen.stdout.trim().split("\n");
      const { createHash } = await import("node:crypto");
      const hash = createHash("sha256");
      let at = 0;
      return new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            if (at < Number(size)) {
              const range = `tail -c +${at + 1} '${path}' | head -c ${GET_BYTES} | base64 | tr -d '\\n'`;
              const { stdout } = await say(`[ -f '${path}' ] || exit ${NOT_THERE}; ${range}`);
              const piece = Buffer.from(stdout, "base64");
              if (piece.length === 0) throw changed(name);
              at += piece.length;
              hash.update(piece);
              return controller.enqueue(new Uint8Array(piece));
            }
            if (hash.digest("hex") !== sum) throw changed(name);
            return controller.close();
          },
        },
        { highWaterMark: 0 },
      );
    },

    async write(place, name, content, signal) {
      const say = shell(place, signal);
      const path = pathOf(folder, name);
      // Before anything is sent, since the machine would be left with half of what is too large.
      const count = atMostBytes(MAX_BYTES, () => tooLarge(name));
      const bytes = Buffer.from((await readBytes(content, count)).buffer);
      const { createHash } = await import("node:crypto");
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      const part = `${folder}/${PART}${crypto.randomUUID()}`;
      try {
        await say(`mkdir -p '${folder}' && : > '${part}'`);
        for (let at = 0; at < bytes.length; at += PUT_BYTES)
          await say(`printf %s '${bytes.toString("base64", at, at + PUT_BYTES)}' | base64 -d >> '${part}'`);
        const isWhole = `[ "$(sha256sum < '${part}' | cut -c1-64)" = ${sha256} ] || exit ${NOT_WHOLE}`;
        const { stdout } = await say(
          // What it says of the file before the rename: after it the name may be another's, put at the same time.
          `${isWhole}; sync; stat -c '%s %Y' '${part}' && mv -f '${part}' '${path}'`,
        );
        return { ...mustBe(toArtifact(`${stdout.trim()} ./${name}`), name), sha256 };
      } catch (thrown) {
        await shell(place, AbortSignal.timeout(10_000))(`rm -f '${part}'`).catch(() => undefined);
        throw thrown;
      }
    },

    async remove(place, { name }, signal) {
      await shell(place, signal)(`rm -f '${pathOf(folder, name)}'`);
    },
  };
}

async function ask(
  { sessionId, provisioned }: ArtifactPlace,
  options: ShellOptions,
  command: string,
  signal: AbortSignal,
): Promise<CommandResult> {
  const arn = provisioned?.["harnessArn"];
  const harnessArn = typeof arn === "string" ? arn : options.harnessArn;
  if (harnessArn === undefined)
    throw new LoophostError(
      "invalid_options",
      "artifacts() needs the harness of the session: harnessArn, or provisioned.",
    );
  const result = await runCommand({ ...options, harnessArn, sessionId, command, signal });
  if (result.exitCode === 0) return result;
  if (result.exitCode === NOT_THERE)
    throw new LoophostError("artifact_not_found", "The machine has no such file any more.");
  const why =
    result.exitCode === NOT_WHOLE ? "what arrived is not what was sent" : result.stderr.slice(0, 500).trim();
  throw new LoophostError(
    "host_failed",
    `A command for artifacts ended with ${result.exitCode}: ${why}. Put it again.`,
    {
      mayRetry: false,
    },
  );
}

function tooLarge(name: string): LoophostError {
  return new LoophostError(
    "invalid_options",
    `${name} has more than ${MAX_BYTES} bytes, which is the most that goes through a session's shell. Let the agent fetch it, from S3 for one.`,
  );
}

function pathOf(folder: string, name: string): string {
  if (/^[A-Za-z0-9._-]+$/.test(name) && name !== "." && name !== ".." && !name.startsWith(PART))
    return `${folder}/${name}`;
  throw new LoophostError(
    "invalid_options",
    `${JSON.stringify(name)}: in a harness the names of files are of letters, digits, ".", "-" and "_".`,
  );
}

/** A line of `stat`: size, seconds, name. */
function toArtifact(line: string): Artifact | undefined {
  const [, size, seconds, name] = /^(\d+) (\d+) \.\/(.+)$/.exec(line) ?? [];
  if (size === undefined || name === undefined || name.startsWith(PART)) return undefined;
  return { name, size: Number(size), createdAtMs: Number(seconds) * 1_000, id: name };
}

function mustBe(artifact: Artifact | undefined, name: string): Artifact {
  if (artifact !== undefined) return artifact;
  throw new LoophostError(
    "host_protocol",
    `The machine does not say that it has ${name}. List its files to see.`,
  );
}

function changed(name: string): LoophostError {
  return new LoophostError("host_protocol", `${name} was changed while it was read. Get it again.`, {
    mayRetry: true,
  });
}
