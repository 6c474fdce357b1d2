/** `loophost agents`: the versions of an agent at a loop host, their tags, and letting go of old ones. */

import { existsSync } from "node:fs";
import { parseArgs } from "node:util";

import type { ResourceKind } from "../../core/provisioning.ts";
import type { Version } from "../../provisioning/index.ts";
import { listVersions, pruneVersions, removeTag, resolveTag, setTag } from "../../provisioning/index.ts";
import type { Command } from "../command.ts";
import { misuse } from "../command.ts";
import { EXIT, EXIT_CODES_HELP } from "../exit.ts";
import {
  mustHave,
  PLACE_OPTIONS,
  PLACE_OPTIONS_HELP,
  providerFor,
  readHandle,
  recordsFor,
} from "../provisioned/place.ts";
import { tableOf } from "../screen/table.ts";

const OWNER = "loophost agents";
/** What each takes. */
const VERBS: ReadonlyMap<string, readonly string[]> = new Map([
  ["list", ["<name>"]],
  ["tag", ["<name:tag>", "<version>"]],
  ["untag", ["<name:tag>"]],
  ["resolve", ["<name:tag>"]],
  ["prune", ["<name>"]],
]);

const HELP = `loophost agents shows and tags the versions of an agent at a loop host, and prunes old ones.

Usage
  loophost agents list <name> [options]           its versions, the newest first
  loophost agents tag <name:tag> <version>        points a tag at a version: its digest, eight
                                                  digits or more, or a file with its handle
  loophost agents untag <name:tag>                takes a tag away
  loophost agents resolve <name:tag>              prints the handle a tag points at
  loophost agents prune <name> --keep <n>         releases all versions but the newest n, and
                                                  those with a tag

Options
  --keep <n>         for prune: how many of the newest stay; it has to be said
  --dry-run          for prune: only say what would go
  --environments     about environments instead of agents
${PLACE_OPTIONS_HELP}

Tags are kept in the store: all commands but list need one.

Examples
  loophost agents tag support:prod 0f3a9c21 --store provisions.json
  loophost agents prune support --keep 5 --dry-run --store provisions.json

${EXIT_CODES_HELP}
`;

/** The command. */
export const agentsCommand: Command = {
  help: HELP,
  async run(argv, signal) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        ...PLACE_OPTIONS,
        keep: { type: "string" },
        "dry-run": { type: "boolean" },
        environments: { type: "boolean" },
      },
    });
    const [what = "", ref = "", version = ""] = positionals;
    const takes = VERBS.get(what);
    if (takes === undefined)
      throw misuse(
        OWNER,
        what === ""
          ? "Say list, tag, untag, resolve or prune"
          : `There is no "agents ${what}", only ${[...VERBS.keys()].join(", ")}`,
      );
    if (positionals.length !== takes.length + 1)
      throw misuse(OWNER, `It is "agents ${what} ${takes.join(" ")}", and nothing else`);
    const keep = Number(values.keep || Number.NaN);
    if (what === "prune" && !(Number.isSafeInteger(keep) && keep >= 1))
      throw misuse(
        OWNER,
        `${values.keep === undefined ? "Say" : "--keep must say"} how many of the newest stay: --keep <n>, 1 or more`,
      );
    const isJson = values.json === true;
    const kind: ResourceKind = values.environments === true ? "environment" : "agent";
    const provider = await providerFor(OWNER, values);
    await using records = await recordsFor(values);
    if (what === "list") {
      const versions = await listVersions(provider, ref, { store: records.store, kind, signal });
      show(versions, isJson, `There is no version of ${ref} there.`);
      return EXIT.ok;
    }
    const store = mustHave(OWNER, records);
    if (what === "resolve") console.log(JSON.stringify(await resolveTag(provider, ref, { store, kind })));
    else if (what === "untag") await removeTag(provider, ref, { store, kind });
    else if (what === "tag") {
      const isDigest = /^[0-9a-f]{8,64}$/.test(version);
      if (!isDigest && version !== "-" && !existsSync(version))
        throw misuse(
          OWNER,
          `${version} is neither eight and more digits of a digest nor a file with a handle`,
        );
      const given = isDigest ? version : await readHandle(version);
      const { base, tag, handle } = await setTag(provider, ref, given, { store, kind });
      console.log(
        isJson ? JSON.stringify({ base, tag, name: handle.name }) : `${base}:${tag} is ${handle.name}.`,
      );
    } else {
      const dryRun = values["dry-run"] === true;
      const { pruned, kept } = await pruneVersions(provider, ref, {
        keep,
        store,
        kind,
        dryRun,
        signal,
        onPruned: ({ name }) => console.error(`${name} is released.`),
      });
      if (isJson) console.log(JSON.stringify({ pruned, kept, dryRun }));
      else {
        show(pruned, false, "There is nothing to prune.");
        console.error(`${pruned.length} ${dryRun ? "would go" : "went"}, ${kept.length} stay.`);
      }
    }
    return EXIT.ok;
  },
};

function show(versions: readonly Version[], isJson: boolean, none: string): void {
  if (isJson) return console.log(JSON.stringify(versions));
  if (versions.length === 0) return console.error(none);
  const rows = versions.map(({ name, createdAtMs, tags, ids }) => [
    name,
    Number.isFinite(createdAtMs) ? new Date(createdAtMs).toISOString() : "",
    tags.join(", "),
    Object.values(ids).join(" "),
  ]);
  for (const line of tableOf(["version", "made", "tags", "id"], rows)) console.log(line);
}
