/** Server-sent events as bytes. Source: the HTML standard, section 9.2. */

const bytes = (text: string): Buffer => Buffer.from(text);

/** A message; JSON has no line breaks, so that its data is one line. */
export const messageFrame = (id: number, type: string, data: unknown): Buffer =>
  bytes(`id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`);

/** How long readers wait before they come back, in milliseconds. */
const retryMs = 3_000;

/** The beginning of each stream: without data nothing is told, but the reader knows where it is. */
export const openingFrame = (id: number): Buffer => bytes(`retry: ${retryMs}\nid: ${id}\n\n`);

/** Keeps a quiet stream alive, and moves the reader's place past what was not for it. */
export const beatFrame = (id: number): Buffer => bytes(`:\nid: ${id}\n\n`);

/** The reader has to take a snapshot; from this number on it is told again. */
export const resyncFrame = (reason: 'slow_reader' | 'too_far_behind' | 'unknown_position', position: number): Buffer =>
  messageFrame(position, 'resync', { reason, position });
