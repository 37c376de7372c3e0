/** A mail server that misbehaves on demand. Source: reliability.md, section 6. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { SMTPServer } from 'smtp-server';
import type { SMTPServerSession } from 'smtp-server';

export type Mode =
  | 'ok'
  | 'busy_at_recipient'
  | 'refused_at_recipient'
  | 'unknown_recipient'
  | 'busy_after_data'
  | 'refused_after_data'
  | 'reset_before_dot'
  | 'reset_after_dot'
  | 'silent_after_dot'
  | 'silent_greeting';

export interface CaughtMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly raw: string;
}

export interface SmtpStandIn extends AsyncDisposable {
  readonly url: string;
  readonly caught: CaughtMail[];
  /** Mode for all, or for one recipient. */
  set(mode: Mode, recipient?: string): void;
  /** Called when a mail has begun to arrive, before its end. */
  onMail(hook: () => Promise<void>): void;
  /** How many were made so far. */
  connections(): number;
  /** Closes all connections, as a server does with idle ones. */
  hangUp(): void;
  /** Resolves when so many mails have been taken. */
  taken(count: number): Promise<void>;
}

const nothing = (): Promise<void> => Promise.resolve();

const refusal = (responseCode: number, text: string): Error => Object.assign(new Error(text), { responseCode });

export async function startSmtpStandIn(): Promise<SmtpStandIn> {
  const caught: CaughtMail[] = [];
  const modes = new Map<string, Mode>();
  const waiting: (() => void)[] = [];
  let hook = nothing;
  const sockets = new Map<number, Socket>();
  const modeOf = (session: SMTPServerSession, recipient = session.envelope.rcptTo[0]?.address ?? ''): Mode =>
    modes.get(recipient) ?? modes.get('') ?? 'ok';
  const cut = (session: SMTPServerSession): void => {
    sockets.get(session.remotePort)?.destroy();
  };
  const server: SMTPServer = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 100,
    onConnect(session, callback) {
      if (modeOf(session, '') !== 'silent_greeting') callback();
    },
    onRcptTo({ address }, session, callback) {
      const mode = modeOf(session, address);
      if (mode === 'busy_at_recipient') callback(refusal(451, '4.7.1 Try again later, account 4711'));
      else if (mode === 'refused_at_recipient') callback(refusal(550, '5.7.1 Mail refused, account 4711'));
      else if (mode === 'unknown_recipient') callback(refusal(550, '5.1.1 No such user, account 4711'));
      else callback();
    },
    onData(stream, session, callback) {
      const mode = modeOf(session);
      if (mode === 'reset_before_dot') {
        stream.once('data', () => cut(session));
        return;
      }
      const chunks: Buffer[] = [];
      let begun: Promise<void> | undefined;
      stream.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        begun ??= hook();
      });
      stream.on('end', () => {
        void Promise.resolve(begun).then(() => {
          if (mode === 'busy_after_data') return callback(refusal(452, '4.3.1 Disk full, account 4711'));
          if (mode === 'refused_after_data') return callback(refusal(554, '5.6.0 Content refused, account 4711'));
          const from = session.envelope.mailFrom === false ? '' : session.envelope.mailFrom.address;
          caught.push({ from, to: session.envelope.rcptTo.map(({ address }) => address), raw: Buffer.concat(chunks).toString('utf8') });
          for (const wake of waiting.splice(0)) wake();
          if (mode === 'reset_after_dot') return cut(session);
          if (mode === 'silent_after_dot') return undefined;
          return callback(null, '2.0.0 queued as A4711');
        });
      });
    },
  });
  server.on('error', () => undefined);
  let connections = 0;
  server.server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.set(socket.remotePort ?? 0, socket);
  });
  const listener = server.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `smtp://127.0.0.1:${port}`,
    caught,
    connections: () => connections,
    hangUp: () => sockets.forEach((socket) => socket.end()),
    set: (mode, recipient = '') => void modes.set(recipient, mode),
    onMail: (next) => {
      hook = next;
    },
    async taken(count) {
      while (caught.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        for (const socket of sockets.values()) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
