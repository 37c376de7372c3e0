/** What messages leave by, from the settings. */
import { createSmtpEmail } from '../activities/adapters/smtp-email.js';
import { createTwilioSms } from '../activities/adapters/twilio-sms.js';
import type { NoticeSenders } from '../activities/notice.js';
import type { Config } from '../config.js';
import { ticketWorkflowId } from '../workflows/ticket/start.js';

export interface Senders {
  /** Closes what is kept open between messages. */
  readonly close: () => void;
}

/** Mail and, where an account is set, SMS; with the links that notices to staff carry. */
export function createSenders(config: Config): NoticeSenders & Senders {
  const { TWILIO_ACCOUNT_SID: accountSid, TWILIO_AUTH_TOKEN: authToken, TWILIO_FROM: from, TWILIO_API_URL: apiUrl } = config;
  const isSmsOn = accountSid !== undefined && authToken !== undefined && from !== undefined;
  const workflows = `${config.TEMPORAL_UI_URL}/namespaces/${config.TEMPORAL_NAMESPACE}/workflows`;
  const email = createSmtpEmail({ url: config.SMTP_URL });
  return {
    email,
    close: () => email.close(),
    sms: isSmsOn ? createTwilioSms({ accountSid, authToken, from, apiUrl, publicUrl: config.PUBLIC_URL }) : null,
    mailDomain: config.MAIL_DOMAIN,
    links: (ticket) => [
      { name: 'Ticket', url: new URL(`/v1/tickets/${ticket}`, config.PUBLIC_URL).href },
      { name: 'Workflow', url: `${workflows}/${encodeURIComponent(ticketWorkflowId(ticket))}` },
    ],
  };
}
