/** What a session works towards, and what it may cost: outcomes and budgets. */

import type { ConformanceCheck } from "../check.ts";
import { checksOf, Inapplicable } from "../check.ts";
import { at, isSame, must, ok, refused, textAt, textIn } from "../expect.ts";
import type { TestClient } from "../test-client.ts";
import type { Reply } from "../wire.ts";

const OUTCOME = {
  type: "user.define_outcome",
  description: "Greet the reader in one word.",
  rubric: { type: "text", content: "The answer is one word, and a greeting." },
  max_iterations: 1,
};
const RESULTS = ["satisfied", "needs_revision", "max_iterations_reached", "failed"];
const BUDGET = { type: "limit", max_list_cost: { amount: "500", currency: "USD" } };

/** The checks of outcomes. */
export const outcomeChecks: readonly ConformanceCheck[] = checksOf("outcomes", 3, [
  {
    name: "evaluated",
    needs: "model",
    title: "works towards an outcome and tells its evaluation, from start to end, before the idle",
    why: "Clients report the verdict, and pair the two events by their ids.",
    async run(client) {
      const talk = await client.talk();
      const outcome = textIn(ifTaken(await talk.post(OUTCOME)).body, "data", 0, "outcome_id");
      const turn = await talk.untilIdle(0);
      const of = (type: string) => turn.find((event) => event.type === type);
      const [start, end] = [of("span.outcome_evaluation_start"), of("span.outcome_evaluation_end")];
      must(
        start !== undefined && end !== undefined,
        talk.feed.evidence,
        "an evaluation that starts and ends",
      );
      must(
        outcome !== "" && end["outcome_id"] === outcome,
        talk.feed.showing(end),
        `outcome_id "${outcome}"`,
      );
      must(
        end["outcome_evaluation_start_id"] === start.id,
        talk.feed.showing(end),
        `outcome_evaluation_start_id ${start.id}`,
      );
      must(
        RESULTS.includes(textIn(end, "result")),
        talk.feed.showing(end),
        `a result of ${RESULTS.join(", ")}`,
      );
    },
  },
  {
    name: "on-record",
    needs: "model",
    title: "keeps the evaluation with the session",
    why: "Programs that poll read the verdict there.",
    async run(client) {
      const talk = await client.talk();
      const outcome = textIn(ifTaken(await talk.post(OUTCOME)).body, "data", 0, "outcome_id");
      await talk.untilIdle(0);
      await client.wire.poll(
        () => client.wire.get(talk.path),
        (read) => at(ok(read).body, "outcome_evaluations", 0, "outcome_id") === outcome,
        `outcome_evaluations with outcome_id "${outcome}"`,
        2_000,
      );
    },
  },
  {
    name: "limits",
    title: "refuses more than 20 iterations",
    why: "What works here must work on the service.",
    run: async (client) => void refused(await (await client.talk()).post({ ...OUTCOME, max_iterations: 21 })),
  },
]);

/** The checks of budgets. */
export const budgetChecks: readonly ConformanceCheck[] = checksOf("budgets", 3, [
  {
    name: "kept",
    title: "shows the budget a session is created with, amounts as they were sent",
    why: "The amount is in cents and a text; a number would be read as dollars.",
    async run(client) {
      const made = await budgeted(client);
      must(isSame(at(made.body, "budget"), BUDGET), made, `budget ${JSON.stringify(BUDGET)}`);
    },
  },
  {
    name: "only-at-creation",
    title: "refuses a budget for a session that was made without one, as budget_create_only",
    why: "Clients tell this from a budget that is too low.",
    async run(client) {
      const path = `/v1/sessions/${textAt(await client.newSession(), "id")}`;
      const reply = refused(await client.wire.post(path, { budget: BUDGET }), [400]);
      const code = at(reply.body, "error", "details", "error_code");
      must(code === "budget_create_only", reply, "error.details.error_code budget_create_only");
    },
  },
  {
    name: "changed",
    title: "raises a budget, refuses one of nothing, and takes null for none from now on",
    why: "It is the way on for a session that has used up its own.",
    async run(client) {
      const path = `/v1/sessions/${textAt(await budgeted(client), "id")}`;
      const raised = ok(await client.wire.post(path, upTo("900")));
      must(at(raised.body, "budget", "max_list_cost", "amount") === "900", raised, 'the amount "900"');
      refused(await client.wire.post(path, upTo("0")), [400]);
      const freed = ok(await client.wire.post(path, { budget: null }));
      must(at(freed.body, "budget") === null, freed, "budget null");
    },
  },
]);

function ifTaken(reply: Reply): Reply {
  if (reply.status === 400) throw new Inapplicable("not there: user.define_outcome is refused");
  return ok(reply);
}

async function budgeted(client: TestClient): Promise<Reply> {
  const reply = await client.trySession({ budget: BUDGET });
  if (reply.status === 400) throw new Inapplicable("not there: a session with a budget is refused");
  return ok(reply);
}

function upTo(amount: string): object {
  return { budget: { ...BUDGET, max_list_cost: { amount, currency: "USD" } } };
}
