/** Captures of real traffic as files that can be given back as fixtures: redacted, scanned, and listed in a manifest. */

import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import { LoophostError } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";
import { leaksIn, redact, REDACTION_VERSION } from "./redaction.ts";

/** A request and its reply, as they went over the wire; headers are left out. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly status: number;
}

/** A `fetch` that notes each request whole, however its body is sent. */
export function notingFetch(inner: typeof fetch, note: (exchange: Exchange) => void): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    // A body may be text, bytes, or come in pieces: what is read of a copy is all of it.
    const body = request.body === null ? "" : await request.clone().text();
    const response = await inner(request);
    note({ method: request.method, path: new URL(request.url).pathname, body, status: response.status });
    return response;
  };
}

/**
 * Writes a capture into a folder, and adds it to the manifest there, beside what earlier captures have.
 *
 * @param at when it was captured
 * @throws LoophostError `invalid_options` for lines that leak after redaction; nothing is written then
 */
export async function writeCapture(
  folder: string,
  {
    name,
    lines,
    at,
    secrets,
  }: { name: string; lines: readonly string[]; at: Date; secrets: readonly string[] },
): Promise<void> {
  const text = `${lines.map((line) => JSON.stringify(redact(JSON.parse(line), secrets))).join("\n")}\n`;
  const leaks = leaksIn(text, secrets);
  if (leaks.length > 0)
    throw new LoophostError(
      "invalid_options",
      `The capture ${name} still holds ${leaks.join(" and ")}; it is not written.`,
    );
  await mkdir(resolve(folder), { recursive: true, mode: 0o700 });
  await writeFile(join(folder, name), text, { mode: 0o600 });
  const files = {
    ...(await manifestOf(folder)),
    [name]: {
      capturedAt: at.toISOString(),
      redaction: REDACTION_VERSION,
      sha256: createHash("sha256").update(text).digest("hex"),
    },
  };
  const manifest = join(folder, "manifest.json");
  await writeFile(`${manifest}.new`, `${JSON.stringify({ files }, null, 2)}\n`, { mode: 0o600 });
  await rename(`${manifest}.new`, manifest);
}

async function manifestOf(folder: string): Promise<object> {
  const text = await readFile(join(folder, "manifest.json"), "utf8").catch(() => "{}");
  const found: unknown = JSON.parse(text);
  return isObject(found) && isObject(found["files"]) ? found["files"] : {};
}
