/** Workflows for tests of the threads they run in. */
import { condition, defineSignal, defineUpdate, setHandler } from '@temporalio/workflow';

export const go = defineSignal('go');
export const ask = defineUpdate<string>('ask');

/** Ends once it is told to. */
export async function waits(): Promise<string> {
  await toldTo();
  return 'went on';
}

/** Never comes to an end of its step. */
export async function spins(): Promise<void> {
  await toldTo();
  for (;;);
}

async function toldTo(): Promise<void> {
  let told = false;
  setHandler(ask, () => 'waits');
  setHandler(go, () => void (told = true));
  await condition(() => told);
}
