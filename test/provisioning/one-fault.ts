// A proxy in front of a host's address that fails one request, or loses one reply. Bytes and the host header pass as they are, so
// that signatures hold.

import { createServer, request as ask } from "node:http";
import { buffer } from "node:stream/consumers";

/** What happens to the request of a number, counted from 1. */
export interface OneFault {
  readonly at: number;
  readonly how: "refuse" | "lose request" | "lose reply";
}

/** A proxy that listens. */
export interface OneFaultProxy {
  readonly url: string;
  /** What was asked, in order. */
  readonly asked: readonly string[];
  close(): void;
}

/** Starts one on a free port. */
export async function oneFaultProxy(target: string, fault?: OneFault): Promise<OneFaultProxy> {
  const asked: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const how = asked.push(`${method} ${url}`) === fault?.at ? fault.how : undefined;
    const pass = async () => {
      const body = await buffer(incoming);
      if (how === "lose request") return outgoing.destroy();
      if (how === "refuse") {
        outgoing.writeHead(400, {
          "content-type": "application/json",
          "x-amzn-errortype": "ValidationException",
        });
        const message = "refused on purpose";
        return outgoing.end(
          JSON.stringify({ type: "error", message, error: { type: "invalid_request_error", message } }),
        );
      }
      const upstream = ask(new URL(url ?? "/", target), { method, headers }, (reply) => {
        if (how === "lose reply") {
          reply.destroy();
          return void outgoing.destroy();
        }
        outgoing.writeHead(reply.statusCode ?? 502, reply.headers);
        outgoing.flushHeaders();
        reply.on("error", () => outgoing.destroy()).pipe(outgoing);
      });
      outgoing.once("close", () => upstream.destroy());
      return upstream.on("error", () => outgoing.destroy()).end(body);
    };
    pass().catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${port}`, asked, close };
}
