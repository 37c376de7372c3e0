import type { Log } from './log.js';
import { MailFaults } from './mail-faults.js';
import type { FaultRule } from './mail-faults.js';
import { startMailHttp } from './mail-http.js';
import type { Intake } from './mail-intake.js';
import { startSmtp } from './mail-smtp.js';
import type { MailDetail, MailSummary } from './mail-store.js';
import { MailStore } from './mail-store.js';

export interface MailOptions {
  /** 0 takes any free port, here and below. */
  smtpPort: number;
  httpPort: number;
  /** Where caught mail is kept. */
  dir: string;
  /** Where mail to `support+…@` and `reply+…@` goes; without it, it is caught like all other mail. */
  intake?: Intake;
  log: Log;
}

/** A mail server that delivers to Usher and catches everything else. */
export interface Mail extends AsyncDisposable {
  readonly smtpUrl: string;
  /** The page, and under /api the same as JSON. */
  readonly url: string;
  /** Caught mail, newest first. */
  messages(to?: string): MailSummary[];
  message(id: string): Promise<MailDetail | undefined>;
  raw(id: string): Promise<Buffer | undefined>;
  clear(): Promise<void>;
  /** Makes it misbehave; `{ mode: 'ok' }` ends all faults. */
  setFault(rule: FaultRule): void;
  stop(): Promise<void>;
}

/** Starts the mail server in this process. */
export async function startMail({ smtpPort, httpPort, dir, intake, log }: MailOptions): Promise<Mail> {
  const store = await MailStore.open(dir);
  const faults = new MailFaults();
  const smtp = await startSmtp({ port: smtpPort, store, faults, intake, log });
  const http = await startMailHttp({ port: httpPort, store, faults, smtpPort: smtp.port });
  const stop = async (): Promise<void> => {
    faults.set({ mode: 'ok' });
    await Promise.all([smtp.stop(), http.stop()]);
  };
  return {
    smtpUrl: `smtp://127.0.0.1:${smtp.port}`,
    url: `http://127.0.0.1:${http.port}`,
    messages: (to) => store.list(to),
    message: (id) => store.detail(id),
    raw: (id) => store.raw(id),
    clear: () => store.clear(),
    setFault: (rule) => faults.set(rule),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
