import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SMTPServerDataStream, SMTPServerSession } from 'smtp-server';
import { SMTPServer } from 'smtp-server';
import type { Log } from './log.js';
import type { FaultRule, MailFaults } from './mail-faults.js';
import type { Intake } from './mail-intake.js';
import { handOver, isIntake } from './mail-intake.js';
import type { MailStore } from './mail-store.js';

const maximumBytes = 30 * 1024 * 1024; // the API draws its own, lower line and keeps what is above it for a person

export interface SmtpOptions {
  port: number;
  store: MailStore;
  faults: MailFaults;
  /** Without it every mail is caught. */
  intake: Intake | undefined;
  log: Log;
}

export interface Smtp {
  port: number;
  stop(): Promise<void>;
}

type Verdict = { reply: 'taken' } | { reply: 'error'; code: number; text: string } | { reply: 'silence' } | { reply: 'reset' };

/** The SMTP side: mail for Usher goes to the API, all other mail is caught. No accounts and no TLS: it listens on loopback only. */
export async function startSmtp(options: SmtpOptions): Promise<Smtp> {
  const { faults, log } = options;
  const sockets = new Map<number, Socket>(); // by the sender's port
  const breakConnection = (session: SMTPServerSession): void => void sockets.get(session.remotePort)?.destroy();
  const server = new SMTPServer({
    name: 'usher.localhost',
    banner: 'Usher local mail',
    size: maximumBytes,
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 500,
    socketTimeout: 10 * 60_000,
    onRcptTo({ address }, _session, callback) {
      const fault = faults.forRecipient(address);
      if (fault === undefined) callback();
      else callback(fault.mode === 'reject' ? refusal(550, 'No such recipient') : refusal(451, 'Try again later'));
    },
    onData(stream, session, callback) {
      const fault = faults.forMail(recipientsOf(session));
      if (fault?.mode === 'reset_before') {
        breakConnection(session); // before the sender is told to go on
        return;
      }
      const senderWaits = (): boolean => sockets.has(session.remotePort);
      receive(stream, session, fault, senderWaits, options)
        .catch((error: unknown): Verdict => {
          log(`mail not taken: ${error instanceof Error ? error.message : String(error)}`);
          return { reply: 'error', code: 451, text: 'Local error, try again' };
        })
        .then((verdict) => {
          if (verdict.reply === 'taken') callback(null, 'Taken');
          else if (verdict.reply === 'error') callback(refusal(verdict.code, verdict.text));
          else if (verdict.reply === 'reset') breakConnection(session);
        })
        .catch((error: unknown) => log(String(error)));
    },
  });
  server.on('error', (error) => log(`SMTP: ${error.message}`));
  const listener = server.listen(options.port, '127.0.0.1');
  listener.on('connection', (socket) => {
    const { remotePort } = socket;
    if (remotePort === undefined) return;
    sockets.set(remotePort, socket);
    socket.once('close', () => sockets.delete(remotePort));
  });
  await once(listener, 'listening');
  return {
    port: portOf(listener.address()),
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Takes the mail in, then delivers it as the fault allows. */
async function receive(
  stream: SMTPServerDataStream,
  session: SMTPServerSession,
  fault: FaultRule | undefined,
  senderWaits: () => boolean,
  options: SmtpOptions,
): Promise<Verdict> {
  const mail = await buffer(stream);
  if (stream.sizeExceeded) return { reply: 'error', code: 552, text: 'The mail is too large' };
  if (fault?.mode === 'park') await options.faults.changed();
  if (!senderWaits()) return { reply: 'silence' }; // it has given up, and will send the mail again
  if (fault?.mode === 'delay') await sleep(fault.delayMs ?? 5_000);
  const verdict = await deliver(mail, session, options);
  if (verdict.reply !== 'taken') return verdict;
  if (fault?.mode === 'reset_after') return { reply: 'reset' };
  if (fault?.mode === 'execute_then_timeout') return { reply: 'silence' };
  return verdict;
}

/** Mail for the API first: when that has to be tried again, nothing has been caught that the next attempt would catch a second time. */
async function deliver(mail: Buffer, session: SMTPServerSession, { store, intake, log }: SmtpOptions): Promise<Verdict> {
  const from = session.envelope.mailFrom === false ? '' : session.envelope.mailFrom.address;
  const recipients = recipientsOf(session);
  const forUsher = intake === undefined ? [] : recipients.filter(isIntake);
  for (const recipient of forUsher) {
    if (intake === undefined) break;
    const outcome = await handOver(mail, from, recipient, intake);
    if (outcome.kind === 'accepted') {
      log(`handed to the desk: ${recipient}`);
      continue;
    }
    log(`${recipient}: ${outcome.reason}`);
    return { reply: 'error', code: outcome.kind === 'refused' ? 554 : 451, text: outcome.reason };
  }
  const others = recipients.filter((recipient) => !forUsher.includes(recipient));
  if (others.length > 0) {
    const { subject } = await store.add(mail, { from, to: others });
    log(`caught for ${others.join(', ')}: ${subject}`);
  }
  return { reply: 'taken' };
}

const recipientsOf = (session: SMTPServerSession): string[] => session.envelope.rcptTo.map(({ address }) => address);

const refusal = (responseCode: number, text: string): Error => Object.assign(new Error(text), { responseCode });

const portOf = (address: AddressInfo | string | null): number => (typeof address === 'object' && address !== null ? address.port : 0);
