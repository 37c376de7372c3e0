import { relative } from 'node:path';
import type { Stack } from './stack.js';

/** What somebody wants to know once the system runs: one table, and something to paste. */
export function welcome({ info, logsFolder, postgres, temporal }: Stack, stateDir: string, seconds: number): string {
  const { apiUrl, adminUrl, mailUrl, smsUrl, packagesUrl, oidcUrl, smtpUrl, webUiUrl, namespace, product, credentials } = info;
  const smtp = new URL(smtpUrl).host;
  const rows: [string, string, string][] = [
    ['API', apiUrl, `product ${product}`],
    ['API documentation', `${apiUrl}/docs`, ''],
    ['Operators', `${apiUrl}/operators`, 'ready-made views in the Web UI'],
    ['Temporal Web UI', `${webUiUrl}/namespaces/${namespace}/workflows`, temporal === undefined ? 'your own' : ''],
    ['Mail', mailUrl, `everything Usher sends; SMTP ${smtp}`],
    ['SMS', smsUrl, 'what would go out by Twilio'],
    ['Packages', packagesUrl, 'CRM, billing, field operations … that journeys call; /calls shows what was asked'],
    ['Identity provider', oidcUrl, 'OpenID; sign in as any of the demo’s people at /docs, “Authorize”'],
    ['Admin', `${adminUrl}/readyz`, '/livez, /metrics'],
    ['PostgreSQL', postgres === undefined ? 'your own, from DATABASE_URL' : info.databaseUrl, ''],
    ...Object.entries(credentials).map(([role, key]): [string, string, string] => [`Key of ${role}`, key, '']),
    ['Test mail', `support+${product}@usher.localhost`, `by SMTP to ${smtp}, or written on the mail page`],
    ['State, logs', `${near(stateDir)}, ${near(logsFolder)}`, ''],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const table = rows.map(([name, value, note]) => `  ${name.padEnd(width)}  ${value}${note === '' ? '' : `   (${note})`}`);
  return [
    '',
    `Usher is running (started in ${seconds.toFixed(1)} s). Ctrl-C stops it.`,
    '',
    ...table,
    '',
    'Open a ticket:',
    '',
    firstTicket(info),
    '',
  ].join('\n');
}

function firstTicket({ apiUrl, product, credentials }: Stack['info']): string {
  const body = JSON.stringify({
    product,
    subject: 'Cannot sign in',
    description: 'The sign-in page says that my account is locked.',
    channel: 'web',
    requester: { email: 'customer@example.com' },
  });
  return [
    `curl -s ${apiUrl}/v1/tickets \\`,
    `  -H 'Authorization: Bearer ${credentials.agent}' \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d '${body}'`,
  ].join('\n');
}

function near(folder: string): string {
  const short = relative(process.cwd(), folder);
  return short === '' || short.startsWith('..') ? folder : short;
}
