/** The part of the provider port that keeps files of a session: what it was given, and what it made. */

import type { ProvisionHandle } from "./provisioning.ts";

/** A file of a session. Two may have one name: each has an id of its own. */
export interface Artifact {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** When it was made, in milliseconds since 1970. */
  readonly createdAtMs: number;
  /** The host's id of it. */
  readonly id: string;
  /** SHA-256 as lower-case hex, where it is known. */
  readonly sha256?: string | undefined;
  /** What the host says of it, verbatim. */
  readonly raw?: unknown;
}

/** Whose files they are. */
export interface ArtifactPlace {
  readonly sessionId: string;
  /** What the session was made from, where its host needs it to find the session. */
  readonly provisioned: ProvisionHandle | undefined;
}

/** Where a host keeps the files of a session. Its functions keep their requests within deadlines, and heed the signal. */
export interface ArtifactStorage {
  /** Contract: every file of the session, also several of a name, in any order. */
  list(place: ArtifactPlace, signal: AbortSignal): Promise<readonly Artifact[]>;
  /** Contract: resolves once the first bytes can be read; the stream errors when it falls silent, breaks, or is not what was kept. */
  read(place: ArtifactPlace, artifact: Artifact, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  /**
   * Contract: keeps all bytes of the content or nothing; whoever reads meanwhile has the file before, or this one, whole. The name
   * has been checked: it has no separators and leads nowhere else.
   */
  write(
    place: ArtifactPlace,
    name: string,
    content: ReadableStream<Uint8Array>,
    signal: AbortSignal,
  ): Promise<Artifact>;
  /** Contract: resolves when the file is gone; one that is gone already is fine. */
  remove(place: ArtifactPlace, artifact: Artifact, signal: AbortSignal): Promise<void>;
}
