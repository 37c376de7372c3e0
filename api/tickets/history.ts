/** What happened to a ticket, in words. */
import { clockActions, clockSentences } from '../clocks/history.js';

type Data = Readonly<Record<string, unknown>>;

const word = (value: unknown): string => (typeof value === 'string' ? value.replaceAll('_', ' ') : String(value));

const sentences: Readonly<Record<string, (data: Data) => string>> = {
  'ticket.created': ({ channel, priority }) => `Opened by ${word(channel)} with priority ${word(priority)}`,
  ...clockSentences,
  'ticket.updated': ({ changed, action, priorityFrom, priorityTo }) =>
    priorityTo === undefined
      ? (clockActions[String(action)] ?? `Changed: ${Array.isArray(changed) ? changed.map(word).join(', ') : ''}`)
      : `Priority changed from ${word(priorityFrom)} to ${word(priorityTo)}`,
  'ticket.assigned': ({ assignee, team }) =>
    assignee !== null && assignee !== undefined
      ? 'Assigned to an agent'
      : team !== null && team !== undefined
        ? 'Given to a team, without an agent'
        : 'No longer assigned',
  'ticket.status_changed': ({ from, to }) => `Moved from ${word(from)} to ${word(to)}`,
  'ticket.resolved': () => 'Resolved',
  'ticket.reopened': ({ cause }) => (cause === 'customer_message' ? 'Reopened by a message of the customer' : 'Reopened'),
  'ticket.closed': ({ cause }) => (cause === 'window' ? 'Closed at the end of the reopen window' : `Closed (${word(cause)})`),
  'ticket.removed': () => 'Removed',
  'ticket.restored': () => 'Restored',
  'ticket.rebased': () => 'Renumbered after a repair',
  'message.received': ({ auto }) => (auto === true ? 'Automatic mail received' : 'Message received'),
  'message.sent': () => 'Reply sent',
  'message.failed': () => 'A mail could not be delivered',
  'message.unknown': () => 'A mail may or may not have been delivered',
  'note.added': () => 'Note added',
};

/** One line about an event; events of a later version of Usher appear under their name. */
export const describeEvent = (type: string, data: Data): string => sentences[type]?.(data) ?? type;
