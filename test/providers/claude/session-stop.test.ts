// Archiving and deleting sessions at work, against hosts that lag, go on, or never stop.

import { createClient } from "loophost/providers/claude";
import { describe, expect, it } from "vitest";

interface Played {
  /** What its status says, whatever the log says. */
  readonly status: string;
  /** The newest word of the log on each look, oldest first; the last one stays. */
  readonly newest: readonly (readonly [id: string, type: string])[];
  /** How often archiving is refused. */
  readonly refusals?: number;
}

/** A client of a host that plays one session, and the posts it got. */
function playing({ status, newest, refusals = 0 }: Played) {
  const posts: string[] = [];
  let looks = 0;
  let refused = 0;
  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    if (request.method === "GET" && pathname.endsWith("/events")) {
      const [id, type] = newest[Math.min(looks, newest.length - 1)] ?? [];
      looks += 1;
      return Response.json({
        data: [
          { id: "sevt_m", type: "agent.message" },
          { id, type },
        ],
        next_page: null,
      });
    }
    if (request.method === "GET") return Response.json({ id: "sesn_1", type: "session", status });
    posts.push(pathname.split("/").at(-1) ?? "");
    if (pathname.endsWith("/events")) return Response.json({ data: [] });
    refused += 1;
    if (refused > refusals) return Response.json({ id: "sesn_1", type: "session", archived_at: "now" });
    const error = { type: "invalid_request_error", message: "the session is running" };
    return Response.json({ type: "error", error }, { status: 400 });
  };
  const client = createClient({
    baseUrl: "http://127.0.0.1",
    fetch: (input, init) => answer(new Request(input, init)),
    retry: { firstDelayMs: 1 },
  });
  return { client, posts };
}

const RUNNING = ["sevt_1", "session.status_running"] as const;
const IDLE = ["sevt_2", "session.status_idle"] as const;

describe("a session is archived", () => {
  it("at once when it is at rest", async () => {
    const { client, posts } = playing({ status: "idle", newest: [IDLE] });
    await client.sessions.archive("sesn_1");
    expect(posts).toEqual(["archive"]);
  });

  it("without an interrupt when only its status says that it runs", async () => {
    const { client, posts } = playing({ status: "running", newest: [IDLE] });
    await client.sessions.archive("sesn_1");
    expect(posts).toEqual(["archive"]);
  });

  it("after one interrupt and its idle, however long that takes to come", async () => {
    const { client, posts } = playing({ status: "running", newest: [RUNNING, RUNNING, IDLE] });
    await client.sessions.archive("sesn_1");
    expect(posts).toEqual(["events", "archive"]);
  });

  it("after another interrupt when a message that waited began another turn", async () => {
    const again = ["sevt_3", "session.status_running"] as const;
    const { client, posts } = playing({ status: "running", newest: [RUNNING, again, IDLE] });
    await client.sessions.archive("sesn_1");
    expect(posts).toEqual(["events", "events", "archive"]);
  });

  it("on another try when the host has not noticed yet that it is at rest", async () => {
    const { client, posts } = playing({ status: "rescheduling", newest: [RUNNING, IDLE], refusals: 1 });
    await client.sessions.archive("sesn_1");
    expect(posts).toEqual(["events", "archive", "archive"]);
  });

  it("not at all when it does not stop in time", async () => {
    const { client, posts } = playing({ status: "running", newest: [RUNNING] });
    const archived = client.sessions.archive("sesn_1", { stopTimeoutMs: 60 });
    await expect(archived).rejects.toMatchObject({
      code: "timeout",
      message: expect.stringContaining("still at work 60 ms after it was told to stop"),
    });
    expect(posts).toEqual(["events"]);
  });

  it("not when the host goes on refusing", async () => {
    const { client } = playing({ status: "running", newest: [IDLE], refusals: 99 });
    const deleted = client.sessions.delete("sesn_1", { stopTimeoutMs: 60 });
    await expect(deleted).rejects.toMatchObject({ code: "host_rejected", status: 400 });
  });
});
