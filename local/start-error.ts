/** Something keeps the stack from starting, and the message says what to do about it: nobody needs a stack trace. */
export class StartError extends Error {
  override readonly name: string = 'StartError';
}
