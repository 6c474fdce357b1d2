// The files of the wire of Claude Managed Agents, and the resources of one session, kept on disk: the embedded host keeps its files in
// its store, within the bounds of a request.

import { once } from "node:events";
import { createReadStream, createWriteStream, statSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";

const [, , folder = "."] = process.argv;
const files: { id: string; filename: string; size_bytes: number; created_at: string }[] = [];

/** The bytes of the one part of a form, without its head and its closing boundary. */
async function keep(incoming: IncomingMessage): Promise<(typeof files)[number]> {
  const boundary = /boundary=(.+)$/.exec(incoming.headers["content-type"] ?? "")?.[1] ?? "";
  const tail = Buffer.byteLength(`\r\n--${boundary}--\r\n`);
  const id = `file_${files.length + 1}`;
  const out = createWriteStream(join(folder, id));
  let held = Buffer.alloc(0);
  let filename: string | undefined;
  for await (const chunk of incoming) {
    held = Buffer.concat([held, chunk]);
    if (filename === undefined) {
      const end = held.indexOf("\r\n\r\n");
      if (end < 0) continue;
      filename = /filename="([^"]*)"/.exec(held.toString("utf8", 0, end))?.[1] ?? "";
      held = held.subarray(end + 4);
    }
    // The last bytes may be the boundary's.
    const ready = Math.max(0, held.length - tail);
    if (ready > 0 && !out.write(held.subarray(0, ready))) await once(out, "drain");
    held = held.subarray(ready);
  }
  await new Promise<void>((resolve) => out.end(() => resolve()));
  const size = statSync(join(folder, id)).size;
  const file = { id, filename: filename ?? "", size_bytes: size, created_at: new Date().toISOString() };
  files.push(file);
  return file;
}

const server = createServer((incoming, outgoing) => {
  const { pathname } = new URL(incoming.url ?? "/", "http://x");
  const json = (body: object) =>
    outgoing.setHeader("content-type", "application/json").end(JSON.stringify(body));
  const file = files.find(({ id }) => pathname.startsWith(`/v1/files/${id}`));
  const answer = async () => {
    if (pathname === "/v1/files" && incoming.method === "POST") return json(await keep(incoming));
    if (pathname === "/v1/files") return json({ data: files });
    if (file !== undefined && pathname.endsWith("/content"))
      return createReadStream(join(folder, file.id)).pipe(outgoing);
    if (file !== undefined) return json(file);
    if (incoming.method === "GET") return json({ data: [] });
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    return json({ ...JSON.parse(Buffer.concat(chunks).toString()), id: "res_1" });
  };
  answer().catch(() => outgoing.destroy());
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.send?.({
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
  });
});
