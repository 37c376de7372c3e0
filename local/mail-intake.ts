import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

/** Where mail for Usher goes. */
export interface Intake {
  apiUrl: string;
  /** Key of a gateway: it may submit raw mail and nothing else. */
  gatewayKey: string;
}

export type Handover = { kind: 'accepted' } | { kind: 'refused'; reason: string } | { kind: 'try_again'; reason: string };

const limitMs = 60_000;
const permanent = [400, 413, 415, 422];

/** Whether mail to this address is for Usher: `support+<product>@` opens a ticket, `reply+<token>@` answers one. Any domain will do. */
export const isIntake = (recipient: string): boolean => /^(support|reply)\+[^@]+@/i.test(recipient);

/**
 * Hands one mail to the API as raw bytes, with the two trace headers that a mail server adds at final delivery (RFC 5321, 4.4).
 * Whatever is not a clear answer means: try again.
 */
export async function handOver(mail: Buffer, from: string, recipient: string, { apiUrl, gatewayKey }: Intake): Promise<Handover> {
  const trace = Buffer.from(`Return-Path: <${from}>\r\nDelivered-To: ${recipient}\r\n`);
  const url = new URL('/v1/inbound/email', apiUrl);
  const headers = {
    'content-type': 'message/rfc822',
    'content-length': trace.length + mail.length,
    authorization: `Bearer ${gatewayKey}`,
  };
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  const request = send(url, { method: 'POST', headers, signal: AbortSignal.timeout(limitMs), agent: false });
  try {
    const answered = answerOf(request);
    request.write(trace);
    request.end(mail);
    const response = await answered; // perhaps before everything has been sent
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return { kind: 'accepted' };
    if (permanent.includes(status)) return { kind: 'refused', reason: `the desk refused it (${status})` };
    return { kind: 'try_again', reason: `the desk answered ${status}` };
  } catch (error) {
    return { kind: 'try_again', reason: `the desk cannot be reached (${error instanceof Error ? error.message : String(error)})` };
  } finally {
    request.destroy();
  }
}

const answerOf = (request: ClientRequest): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
  });
