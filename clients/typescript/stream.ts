/** Live updates: events as they happen, without a gap when the connection is lost. */

export interface StreamEvent {
  /** Where to go on after it. */
  readonly id: string;
  /** `snapshot`, `resync`, or the type of an event, such as `ticket.resolved`. */
  readonly type: string;
  readonly data: unknown;
}

export interface StreamOptions {
  readonly url: string;
  readonly credential: string;
  /** With its query: `/v1/stream?product=demo&snapshot=true`. */
  readonly path: string;
  /** The id of the last event that was taken. */
  readonly after?: string;
  readonly signal?: AbortSignal;
}

/** Follows a stream until the signal ends it or Usher does not let this caller listen; a lost connection is made again where it broke. */
export async function* follow({ url, credential, path, after, signal }: StreamOptions): AsyncGenerator<StreamEvent> {
  let last = after;
  for (;;) {
    if (isOver(signal)) return;
    const headers = { authorization: `Bearer ${credential}`, ...(last === undefined ? {} : { 'last-event-id': last }) };
    const response = await fetch(`${url}${path}`, { headers, ...(signal === undefined ? {} : { signal }) }).catch(unlessAborted(signal));
    if (response === null) return;
    if (response.status === 204) return;
    if (response.body === null || !response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    try {
      for await (const event of eventsIn(response.body)) {
        if (event.id !== '') last = event.id;
        yield event;
      }
    } catch (error) {
      if (isOver(signal)) return;
      if (!(error instanceof TypeError)) throw error;
    }
  }
}

const isOver = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

const unlessAborted =
  (signal: AbortSignal | undefined) =>
  (error: unknown): null => {
    if (isOver(signal)) return null;
    throw error;
  };

/** Source: the HTML standard, section 9.2.6. */
async function* eventsIn(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder();
  let text = '';
  let id = '';
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const fields = fieldsOf(text.slice(0, end));
      text = text.slice(end + 2);
      id = fields.get('id') ?? id;
      const data = fields.get('data');
      if (data !== undefined) yield { id, type: fields.get('event') ?? 'message', data: JSON.parse(data) as unknown };
    }
  }
}

/** Each field once; what begins with a colon says nothing. */
const fieldsOf = (block: string): ReadonlyMap<string, string> =>
  new Map(
    block
      .split('\n')
      .map((line) => [line, line.indexOf(':')] as const)
      .filter(([, colon]) => colon > 0)
      .map(([line, colon]) => [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')]),
  );
