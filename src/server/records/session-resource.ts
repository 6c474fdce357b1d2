/** What a session is given to work on: files, each a copy of the session's own, and repositories, which are only noted. */

import type { Json, JsonObject } from "../../core/json.ts";
import { invalid, notFound } from "../http/errors.ts";
import { isJsonObject, objectList, optionalString, requiredString, typeOf } from "../http/fields.ts";
import type { FileStore } from "./file-store.ts";
import { newId } from "./ids.ts";
import { now } from "./time.ts";

/** A resource of a session. The token of a repository is not kept: nothing here would use it. */
export type SessionResource = JsonObject & {
  readonly id: string;
  readonly type: "file" | "github_repository";
  /** Of a file: the id of the session's own copy. */
  readonly file_id?: string;
  readonly mount_path: string;
  readonly updated_at: string;
};

const MAX_RESOURCES = 500;

/** Makes the resources a session is created with; when one of them cannot be made, none is. */
export async function createResources(
  body: JsonObject,
  sessionId: string,
  files: FileStore,
): Promise<readonly SessionResource[]> {
  const made: SessionResource[] = [];
  try {
    for (const given of objectList(body, "resources", MAX_RESOURCES))
      made.push(await createResource(given, made, sessionId, files));
    return made;
  } catch (thrown) {
    await dropResources(made, files);
    throw thrown;
  }
}

/** Makes a resource beside those there are; of a file a copy is made, that belongs to the session. */
export async function createResource(
  given: JsonObject,
  others: readonly SessionResource[],
  sessionId: string,
  files: FileStore,
): Promise<SessionResource> {
  if (others.length >= MAX_RESOURCES) throw invalid(`A session may have at most ${MAX_RESOURCES} resources.`);
  switch (typeOf(given)) {
    case "file": {
      const fileId = requiredString(given, "file_id", 256);
      const path = mountPath(given, `/mnt/session/uploads/${fileId}`, others);
      const copy = await files.copy(fileId, sessionId);
      return { ...start(), type: "file", file_id: copy.id, mount_path: path };
    }
    case "github_repository": {
      const url = requiredString(given, "url", 2_048);
      const name = /([^/]+?)(\.git)?\/*$/.exec(url)?.[1] ?? "repository";
      const path = mountPath(given, `/workspace/${name}`, others);
      const checkout = readCheckout(given["checkout"]);
      return { ...start(), type: "github_repository", url, mount_path: path, checkout };
    }
    case "memory_store":
      throw notFound(`Memory store ${requiredString(given, "memory_store_id", 256)}`);
    default:
      throw invalid('The type of a resource must be "file", "github_repository" or "memory_store".');
  }
}

/** Deletes what belongs to resources that are gone. */
export async function dropResources(resources: readonly SessionResource[], files: FileStore): Promise<void> {
  for (const { file_id: fileId } of resources) if (fileId !== undefined) await files.delete(fileId);
}

function start(): { readonly id: string; readonly created_at: string; readonly updated_at: string } {
  const at = now();
  return { id: newId("sesrsc"), created_at: at, updated_at: at };
}

function mountPath(given: JsonObject, byDefault: string, others: readonly SessionResource[]): string {
  const path = optionalString(given, "mount_path", 4_096) ?? byDefault;
  if (!path.startsWith("/")) throw invalid(`mount_path must be absolute; got ${JSON.stringify(path)}.`);
  if (others.some((other) => other.mount_path === path))
    throw invalid(`mount_path ${path} is taken by another resource.`);
  return path;
}

function readCheckout(checkout: Json | undefined): JsonObject | null {
  if (checkout === undefined || checkout === null) return null;
  const type = isJsonObject(checkout) ? typeOf(checkout) : "";
  if (!isJsonObject(checkout) || (type !== "branch" && type !== "commit"))
    throw invalid('checkout.type must be "branch" or "commit".');
  const field = type === "branch" ? "name" : "sha";
  return { type, [field]: requiredString(checkout, field, 256, "checkout.") };
}
