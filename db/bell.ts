/** Hears what PostgreSQL notifies, on a connection of its own that comes back by itself. */
import pg from 'pg';
import type { DatabaseRole } from './client.js';

export interface BellOptions {
  readonly url: string;
  readonly role: DatabaseRole;
  readonly channel: string;
  /** Shown by PostgreSQL beside the connection. */
  readonly name: string;
  /** Told what was notified; nothing at all each time the connection is up, since some of it may have been missed. */
  readonly onRing: (payload: string) => void;
  /** Told why the connection is down, once for each time. */
  readonly onBroken: (message: string) => void;
}

const patience = 2_000;
const again = 1_000;

/** Listens until it is disposed. */
export function listenFor({ url, role, channel, name, onRing, onBroken }: BellOptions): AsyncDisposable {
  let stopped = false;
  let current: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;

  const open = (): void => {
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: patience,
      application_name: name,
      options: `-c role=${role}`,
      keepAlive: true,
    });
    current = client;
    let down = false;
    const lose = (reason: string): void => {
      if (down) return;
      down = true;
      client.end().catch(() => undefined);
      if (stopped) return;
      onBroken(reason);
      timer = setTimeout(open, again);
    };
    client.on('error', ({ message }) => lose(message));
    client.on('end', () => lose('the connection ended'));
    client.on('notification', ({ payload = '' }) => onRing(payload));
    client
      .connect()
      .then(() => client.query(`listen ${client.escapeIdentifier(channel)}`))
      .then(
        () => onRing(''),
        (error: unknown) => lose(error instanceof Error ? error.message : String(error)),
      );
  };

  open();
  return {
    async [Symbol.asyncDispose]() {
      stopped = true;
      clearTimeout(timer);
      await current?.end().catch(() => undefined);
    },
  };
}
