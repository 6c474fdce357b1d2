// The help of every command, which is loaded with the command.

import { COMMANDS } from "../../src/cli/commands/all.ts";

/** Names and helps, in the order of the overview. */
export const HELPS: readonly (readonly [name: string, help: string])[] = await Promise.all(
  COMMANDS.map(async ({ name, load }) => [name, (await load()).help] as const),
);
