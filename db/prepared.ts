/**
 * Lets PostgreSQL parse and plan each statement once per connection instead of each time: the projection's plan alone costs as much as running it.
 */
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import type pg from 'pg';

/** Statements that get a name; what comes beyond is planned each time, so that a connection's memory stays bounded. */
const mostNames = 300;
/** PostgreSQL's answer to a kept plan whose table has changed; a new connection plans anew. */
const planOutdated = '0A000';

const names = new Map<string, string>();

function nameOf(text: string): string | undefined {
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

const wrappers = new WeakMap<pg.PoolClient, PostgresPoolClient>();

/** One wrapper per connection: Kysely remembers connections by it. */
function preparedClient(client: pg.PoolClient): PostgresPoolClient {
  const known = wrappers.get(client);
  if (known !== undefined) return known;
  let outdated = false;
  const query = async (text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<never>> => {
    const name = parameters.length === 0 ? undefined : nameOf(text);
    try {
      // What Kysely takes of it has the same form in both libraries.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      return (await client.query({
        text,
        values: [...parameters],
        ...(name === undefined ? {} : { name }),
      })) as unknown as PostgresQueryResult<never>;
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
