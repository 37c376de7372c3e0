/** Workflows for tests of the threads they run in. */
import { condition, defineSignal, defineUpdate, log, setHandler, sleep } from '@temporalio/workflow';

export const go = defineSignal('go');
export const ask = defineUpdate<string>('ask');

/** Ends once it is told to. Its first step leaves something in its history: the SDK takes one that does not for a part of the next. */
export async function waits(): Promise<string> {
  void sleep('1 hour');
  await toldTo();
  log.info('was told');
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
