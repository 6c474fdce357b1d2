/** `loophost artifacts`: the files of a session, listed, fetched, put and deleted by name. */

import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";

import type { Artifacts } from "../../artifacts/index.ts";
import { artifacts } from "../../artifacts/index.ts";
import type { Artifact } from "../../core/artifacts.ts";
import { toLoophostError } from "../../core/errors.ts";
import type { Command } from "../command.ts";
import { misuse } from "../command.ts";
import { EXIT, EXIT_CODES_HELP } from "../exit.ts";
import { PLACE_OPTIONS, PLACE_OPTIONS_HELP, providerFor } from "../provisioned/place.ts";
import { tableOf } from "../screen/table.ts";

const OWNER = "loophost artifacts";

const HELP = `loophost artifacts lists, fetches, puts and deletes the files of a session, by name.

Usage
  loophost artifacts list --session <id> [options]
  loophost artifacts get <name> [to-file] --session <id> [options]
  loophost artifacts put <file> [name] --session <id> [options]
  loophost artifacts rm <name> --session <id> [options]

Options
  --session <id>     the session
  --wait-ms <n>      for get: how long to wait for a file that is not there yet
  --dry-run          for rm: only say what would be deleted
  --folder <path>    at the local host: the artifactsFolder of local()
  --harness <arn>    at agentcore: the harness of the session
${PLACE_OPTIONS_HELP}

get writes the file under its own name, unless there is one here; to-file is replaced, and -
is standard output. Of several files with one name the newest is meant; list shows them all.

Examples
  loophost artifacts list --session sesn_1
  loophost artifacts get plot.png --session sesn_1 --wait-ms 60000

${EXIT_CODES_HELP}
`;

/** The command. */
export const artifactsCommand: Command = {
  help: HELP,
  async run(argv, signal) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        ...PLACE_OPTIONS,
        session: { type: "string" },
        "wait-ms": { type: "string" },
        "dry-run": { type: "boolean" },
      },
    });
    const [what = "list", first, second, ...more] = positionals;
    if (!["list", "get", "put", "rm"].includes(what))
      throw misuse(OWNER, `There is no "artifacts ${what}", only list, get, put and rm`);
    if (values.session === undefined) throw misuse(OWNER, "No session is named; pass --session <id>");
    if (
      (what === "list") !== (first === undefined) ||
      more.length > 0 ||
      (what === "rm" && second !== undefined)
    )
      throw misuse(OWNER, `"artifacts ${what}" is held wrong`);
    const files = artifacts(await providerFor(OWNER, values), values.session);
    const isJson = values.json === true;
    if (first === undefined) await list(files, values.session, isJson, signal);
    else if (what === "get") {
      const to = second ?? first;
      if (to === "-" && isJson)
        throw misuse(OWNER, "--json and the file itself cannot both be standard output");
      // A name the host chose must not replace a file nobody spoke of.
      if (second === undefined && existsSync(first))
        throw misuse(
          OWNER,
          `There is a file ${first} here; name the file to write, or - for standard output`,
        );
      const got = await get(files, first, { to, waitMs: Number(values["wait-ms"] ?? 0), signal });
      if (isJson) console.log(JSON.stringify({ ...shown(got), file: to }));
      else if (to !== "-") console.error(`${to}: ${got.size} bytes.`);
    } else if (what === "put") {
      const put = await files.put(second ?? basename(first), Readable.toWeb(createReadStream(first)), {
        signal,
      });
      if (isJson) console.log(JSON.stringify(shown(put)));
      else console.error(`${put.name} is there: ${put.size} bytes.`);
    } else await remove(files, first, { isDry: values["dry-run"] === true, isJson, signal });
    return EXIT.ok;
  },
};

/** What `--json` shows of a file. */
function shown({ name, size, createdAtMs, id, sha256 }: Artifact): object {
  return { name, size, createdAtMs, id, sha256 };
}

async function list(
  files: Artifacts,
  sessionId: string,
  isJson: boolean,
  signal: AbortSignal,
): Promise<void> {
  const all = await files.list({ signal });
  if (isJson) return console.log(JSON.stringify(all.map(shown)));
  // Only claude knows its sessions; elsewhere a mistyped id looks like one without files.
  if (all.length === 0) return console.error(`There are no files of session ${sessionId}.`);
  const rows = all.map(({ name, size, createdAtMs, id }) => [
    name,
    String(size),
    new Date(createdAtMs).toISOString(),
    id,
  ]);
  for (const line of tableOf(["name", "bytes", "made", "id"], rows)) console.log(line);
}

/** Writes to a temporary file and renames it: an interrupted download leaves no partial file. */
async function get(
  files: Artifacts,
  name: string,
  { to, waitMs, signal }: { readonly to: string; readonly waitMs: number; readonly signal: AbortSignal },
): Promise<Artifact> {
  const artifact = await files.get(name, { waitMs, signal });
  const { stream } = artifact;
  if (to === "-") {
    await pipeline(stream, process.stdout, { end: false, signal });
    return artifact;
  }
  const part = `${to}.${process.pid}.part`;
  try {
    await pipeline(stream, createWriteStream(part, { flags: "wx" }), { signal });
    await rename(part, to);
  } catch (thrown) {
    await rm(part, { force: true });
    // A missing folder or a full disk is no bug of ours; what the host says stays as it is.
    throw toLoophostError(
      thrown,
      signal.aborted ? "aborted" : "invalid_options",
      `${to} could not be written`,
    );
  }
  return artifact;
}

async function remove(
  files: Artifacts,
  name: string,
  {
    isDry,
    isJson,
    signal,
  }: { readonly isDry: boolean; readonly isJson: boolean; readonly signal: AbortSignal },
): Promise<void> {
  const [newest, ...older] = (await files.list({ signal })).filter((artifact) => artifact.name === name);
  if (!isDry) await files.delete(name, { signal });
  if (isJson)
    return console.log(
      JSON.stringify({ deleted: newest && shown(newest), older: older.length, dryRun: isDry }),
    );
  if (newest === undefined) return console.log(`There is no ${name}.`);
  const rest = older.length === 0 ? "" : ` There are ${older.length} older ones.`;
  console.log(`${isDry ? "Would delete" : "Deleted"} ${name}${isDry ? ` (${newest.id})` : ""}.${rest}`);
}
