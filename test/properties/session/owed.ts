// What a session owes its user, as rules over what happened. Written down apart from the code: it imports nothing of it.

/** What happened, in order. Texts of messages are unique. */
export type Happened =
  /** A message was sent: send() returned. */
  | { readonly what: "said"; readonly text: string }
  /** It was on record when its process died, or was let go. */
  | { readonly what: "kept"; readonly text: string }
  /** Its run was stopped, by interrupt, signal or deadline; `atOnce` when nothing could happen in between. */
  | { readonly what: "stopped"; readonly atOnce: boolean; readonly text: string }
  /** The process died; what is not on record is gone. */
  | { readonly what: "died" }
  /** The model was asked, with these messages of the user's in the conversation. */
  | { readonly what: "asked"; readonly heard: readonly string[] }
  /** Somebody decided about the call a message led to, and was told that it counts, or that it does not. */
  | { readonly what: "decided"; readonly text: string; readonly allow: boolean; readonly counts: boolean }
  /** The tool of that call had its effect. */
  | { readonly what: "ran"; readonly text: string }
  /** A run was told to have ended well; `isKept` when the store says so, too. */
  | { readonly what: "ended"; readonly isKept: boolean };

/** The rules, each with what is wrong with a history; empty when nothing is. */
export const rules: Readonly<Record<string, (all: readonly Happened[]) => readonly string[]>> = {
  "a message is delivered once": (all) =>
    conversations(all).flatMap((heard) => heard.filter((text, at) => heard.indexOf(text) !== at)),

  "messages are delivered in the order they were sent": (all) => {
    const order = texts(all, "said");
    return conversations(all).flatMap((heard) =>
      heard.filter((text, at) => at > 0 && order.indexOf(text) < order.indexOf(heard[at - 1] ?? "")),
    );
  },

  "nothing is delivered that nobody said": (all) => {
    const said = new Set(texts(all, "said"));
    return conversations(all).flatMap((heard) => heard.filter((text) => !said.has(text)));
  },

  "a message on record is delivered in the end, unless it was stopped": (all) => {
    const heard = new Set(conversations(all).flat());
    return owed(all).filter((text) => !heard.has(text));
  },

  "a message stopped at once is never delivered": (all) => {
    const heard = new Set(conversations(all).flat());
    return all.flatMap((one) =>
      one.what === "stopped" && one.atOnce && heard.has(one.text) ? [one.text] : [],
    );
  },

  "a call runs only once it is allowed, and once": (all) =>
    all.flatMap((one, at) => {
      if (one.what !== "ran") return [];
      const before = all.slice(0, at);
      const isAllowed = before.some(
        (a) => a.what === "decided" && a.text === one.text && a.counts && a.allow,
      );
      const isAgain = before.some((a) => a.what === "ran" && a.text === one.text);
      return isAllowed && !isAgain ? [] : [one.text];
    }),

  "the first decision is the only one that counts": (all) =>
    all.flatMap((one, at) => {
      if (one.what !== "decided" || !one.counts) return [];
      return all.slice(0, at).some((a) => a.what === "decided" && a.counts && a.text === one.text)
        ? [one.text]
        : [];
    }),

  "an end is on record before it is told": (all) =>
    all.flatMap((one) => (one.what === "ended" && !one.isKept ? ["an end"] : [])),
};

/** What is wrong with a history, rule by rule. */
export function wrongs(all: readonly Happened[]): readonly string[] {
  return Object.entries(rules).flatMap(([rule, check]) => check(all).map((what) => `${rule}: ${what}`));
}

function texts(all: readonly Happened[], what: "said" | "kept"): string[] {
  return all.flatMap((one) => (one.what === what ? [one.text] : []));
}

function conversations(all: readonly Happened[]): readonly (readonly string[])[] {
  return all.flatMap((one) => (one.what === "asked" ? [one.heard] : []));
}

/** A stop takes along what was said before it and waits; a death what is not on record. */
function owed(all: readonly Happened[]): string[] {
  const kept = new Set(texts(all, "kept"));
  return all.flatMap((one, at) => {
    if (one.what !== "said") return [];
    const after = all.slice(at);
    const isStopped = after.some(({ what }) => what === "stopped");
    const isGone = after.some(({ what }) => what === "died") && !kept.has(one.text);
    return isStopped || isGone ? [] : [one.text];
  });
}
