/** The part of the provider port that keeps files of a session: what it was given, and what it made. */

import type { ProvisionHandle } from "./provisioning.ts";

/** A file of a session. Names are not unique: two files may share one, and each has an id of its own. */
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
  /** Contract: lists every file of the session, in any order, including several of one name. */
  list(place: ArtifactPlace, signal: AbortSignal): Promise<readonly Artifact[]>;
  /** Contract: resolves once the first bytes can be read; the stream errors when it falls silent, breaks, or is not what was kept. */
  read(place: ArtifactPlace, artifact: Artifact, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  /**
   * Contract: writes atomically, all bytes or nothing: a concurrent reader gets the old file or the new one, whole. The
   * name has been checked: it has no path separators, so it cannot lead out of the session's files (path traversal).
   */
  write(
    place: ArtifactPlace,
    name: string,
    content: ReadableStream<Uint8Array>,
    signal: AbortSignal,
  ): Promise<Artifact>;
  /** Contract: resolves when the file is deleted. Idempotent: a file that does not exist is a success. */
  remove(place: ArtifactPlace, artifact: Artifact, signal: AbortSignal): Promise<void>;
}
