/** A body whose second half is sent when a test says so. */
export interface SlowBody {
  readonly body: ReadableStream<Uint8Array>;
  /** Somebody has read the first half and waits for more. */
  readonly awaited: Promise<void>;
  readonly finish: () => void;
}

const nothing = (): void => undefined;

export function slowBody(text: string): SlowBody {
  const bytes = new TextEncoder().encode(text);
  const half = bytes.length >> 1;
  let reached = nothing;
  let finish = nothing;
  const awaited = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        controller.enqueue(bytes.subarray(0, half));
        finish = () => {
          controller.enqueue(bytes.subarray(half));
          controller.close();
        };
      },
      pull: () => reached(),
    },
    { highWaterMark: 0 },
  );
  return { body, awaited, finish: () => finish() };
}
