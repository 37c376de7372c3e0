/** Takes one line of progress or of a child's output; the caller decides where it goes. */
export type Log = (line: string) => void;

/** For callers that want to hear nothing. */
export const silent: Log = () => undefined;
