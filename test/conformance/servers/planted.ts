// The ways in which a planted server differs from the wire as it is described, each by a switch.

/** How a server differs; nothing given, it does as described. */
export interface Planted {
  /** What a POST of events is answered with. */
  readonly postReply?: "202 empty" | "204" | "a word";
  /** What made things are answered with. */
  readonly created?: 201;
  /** Environments are made with `config` only, or without it only. */
  readonly config?: "demanded" | "refused";
  /** A name is good for one agent. */
  readonly namesOnce?: true;
  /** The model of an agent has to be an object. */
  readonly modelObject?: true;
  /** Where it is shown that a message was taken. */
  readonly marks?: "in the list" | "nowhere";
  /** Listed events stand in objects of the list's own. */
  readonly wraps?: true;
  /** Stop reasons are words. */
  readonly words?: true;
  /** An interrupted turn ends with a stop reason of that name. */
  readonly saysInterrupted?: true;
  /** Frames have no event: line. */
  readonly unnamed?: true;
  /** Before each frame one without anything in it. */
  readonly emptyFrames?: true;
  /** Fields nobody knows, and null for what is absent. */
  readonly extraFields?: true;
  /** What is answered with 501. */
  readonly lacks?: "agents" | "environments" | "sessions" | "stream";
}
