/**
 * The lock timeout of statements that write: without one, a row that somebody keeps locked (a transaction that hangs, a
 * `SELECT … FOR UPDATE` by hand) would hold up all that share the statement, and all that wait for its connection.
 */

/**
 * A row lock is waited for so many milliseconds; then the statement is undone, and each of its parts is tried alone. Row
 * locks are held for the time of a statement and its commit, so this much is rare.
 */
const LOCK_TIMEOUT_MS = 500;

/**
 * A condition that is true, and sets the lock timeout of the statement it stands in. It is local to the statement's
 * transaction, so that it needs no round trip and leaves nothing on a connection that others use (a pooler, a pool of the
 * application); being a subquery of its own, it is evaluated once, and first.
 */
export const WITH_LOCK_TIMEOUT: string = `(SELECT set_config('lock_timeout', '${LOCK_TIMEOUT_MS}', true)) IS NOT NULL`;
