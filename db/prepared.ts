/**
 * Saves PostgreSQL work and its callers time: each statement is parsed and planned once per connection instead of each time, the
 * beginning of a transaction goes along with its first statement instead of being waited for, and where that is the only one the commit
 * does, too.
 */
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import type pg from 'pg';

/** Statements that get a name; what comes beyond is planned each time, so that a connection's memory stays bounded. */
const mostNames = 300;
/** PostgreSQL's answer to a kept plan whose table has changed; a new connection plans anew. */
const planOutdated = '0A000';

const names = new Map<string, string>();

/** What a plan is made for. Several statements in one text cannot be prepared. */
const isPlanned = (text: string): boolean => /^\s*(?:select|with|insert|update|delete)\b/i.test(text) && !text.includes(';');

function nameOf(text: string): string | undefined {
  if (!isPlanned(text)) return undefined;
  const known = names.get(text);
  if (known !== undefined || names.size >= mostNames) return known;
  const name = `s${names.size}`;
  names.set(text, name);
  return name;
}

/** The pool as Kysely takes it, with statements prepared. */
export const preparing = (pool: pg.Pool): PostgresPool => ({
  connect: async () => preparedClient(await pool.connect()),
  end: () => pool.end(),
});

/** Begins a transaction of one statement: its commit is sent along with it, and only its own failure takes it back. */
export const beginForOne = 'begin /* for one statement */';

const begins = (text: string): boolean => text.startsWith('begin');
const ends = (text: string): boolean => text === 'commit' || text === 'rollback';
const nothing: PostgresQueryResult<never> = { command: 'SELECT', rowCount: 0, rows: [] };

const wrappers = new WeakMap<pg.PoolClient, PostgresPoolClient>();

/** One wrapper per connection: Kysely remembers connections by it. */
function preparedClient(client: pg.PoolClient): PostgresPoolClient {
  const known = wrappers.get(client);
  if (known !== undefined) return known;
  let outdated = false;
  /** The beginning of a transaction whose answer was not waited for. */
  let begun: { readonly answer: Promise<unknown>; readonly forOne: boolean } | undefined;
  /** Its only statement has brought the transaction to its end; who began it has yet to say so. */
  let isOver = false;

  const send = async (text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<never>> => {
    const name = nameOf(text);
    // What Kysely takes of it has the same form in both libraries.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return (await client.query({
      text,
      values: [...parameters],
      ...(name === undefined ? {} : { name }),
    })) as unknown as PostgresQueryResult<never>;
  };

  const query = async (text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<never>> => {
    if (isOver) {
      if (!ends(text)) throw new Error('a transaction of one statement has no other');
      isOver = false;
      return nothing;
    }
    try {
      const sent = send(text, parameters);
      if (begins(text)) {
        begun = { answer: sent, forOne: text.startsWith(beginForOne) };
        sent.catch(() => undefined); // told to the next one
        return nothing;
      }
      if (begun === undefined) return await sent;
      const { answer: before, forOne } = begun;
      begun = undefined;
      isOver = forOne && !ends(text);
      const [opening, answer, end] = await Promise.allSettled([before, sent, ...(isOver ? [send('commit', [])] : [])]);
      // What failed first is why the others failed.
      if (opening.status === 'rejected') throw opening.reason;
      if (answer.status === 'rejected') throw answer.reason;
      if (end?.status === 'rejected') throw end.reason;
      return answer.value;
    } catch (error) {
      outdated ||= error instanceof Error && 'code' in error && error.code === planOutdated;
      throw error;
    }
  };
  // Cursors, Kysely's other use of `query`, are not used here.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const wrapper = { query, release: () => client.release(outdated) } as unknown as PostgresPoolClient;
  wrappers.set(client, wrapper);
  return wrapper;
}
