import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from './log.js';
import { assertFree, freePort } from './ports.js';

/** What listens where, the flag and variable that change it, and the default. */
export const portSettings = {
  api: { name: 'the API', flag: 'api-port', variable: 'API_PORT', standard: 3000 },
  admin: { name: 'the admin page', flag: 'admin-port', variable: 'ADMIN_PORT', standard: 3001 },
  workerAdmin: { name: 'the admin page of the worker', flag: 'worker-admin-port', variable: 'WORKER_ADMIN_PORT', standard: 3002 },
  mail: { name: 'the mail page', flag: 'mail-port', variable: 'MAIL_PORT', standard: 8025 },
  sms: { name: 'the SMS page', flag: 'sms-port', variable: 'SMS_PORT', standard: 8026 },
  packages: { name: 'the packages journeys call', flag: 'packages-port', variable: 'PACKAGES_PORT', standard: 8027 },
  oidc: { name: 'the identity provider', flag: 'oidc-port', variable: 'OIDC_PORT', standard: 8028 },
  smtp: { name: 'incoming mail (SMTP)', flag: 'smtp-port', variable: 'SMTP_PORT', standard: 1025 },
  temporal: { name: 'Temporal', flag: 'temporal-port', variable: 'TEMPORAL_PORT', standard: 7233 },
  temporalUi: { name: 'the Temporal Web UI', flag: 'temporal-ui-port', variable: 'TEMPORAL_UI_PORT', standard: 8233 },
  postgres: { name: 'PostgreSQL', flag: 'postgres-port', variable: 'POSTGRES_PORT', standard: 15432 },
} as const;

export type PortName = keyof typeof portSettings;
export type StackPorts = Record<PortName, number>;

export const portNames = Object.keys(portSettings).filter((name): name is PortName => name in portSettings);

/** Ports of this run: the given ones and for the rest the usual, or any that are free. */
export async function choosePorts(wanted: 'free' | Partial<StackPorts>): Promise<StackPorts> {
  const ports: StackPorts = {
    api: 0,
    admin: 0,
    workerAdmin: 0,
    mail: 0,
    sms: 0,
    packages: 0,
    oidc: 0,
    smtp: 0,
    temporal: 0,
    temporalUi: 0,
    postgres: 0,
  };
  for (const name of portNames) ports[name] = wanted === 'free' ? await freePort() : (wanted[name] ?? portSettings[name].standard);
  return ports;
}

/**
 * Makes sure that nobody else listens on them before anything starts.
 *
 * @param patient waits a little, for the parts of a run that was killed
 * @throws StartError
 */
export async function assertPortsFree(
  names: readonly PortName[],
  ports: StackPorts,
  options: { patient: boolean; log: Log },
): Promise<void> {
  const until = Date.now() + (options.patient ? 12_000 : 0);
  for (const name of names) {
    const { name: what, flag, variable } = portSettings[name];
    for (let first = true; ; first = false) {
      try {
        await assertFree(ports[name], what, `--${flag} or ${variable}`);
        break;
      } catch (error) {
        if (Date.now() > until) throw error;
        if (first) options.log('waiting for parts of an earlier run to end');
        await sleep(300);
      }
    }
  }
}
