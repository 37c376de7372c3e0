/** `npx usher`: the command line of authors and operators. */
import { UsageError } from './usage-error.js';

const usage = `usher <noun> <command>    works on Usher from the command line

  audit verify           looks whether the audit is as it was written
  journey …              checks, draws and tries out journey templates
  sla test FILE…         runs service-level case files

usher <noun> --help says more.`;

/** Each is loaded when it is asked for: what one noun stands on takes longer to load than another to run. */
const nouns: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  audit: async (args) => {
    const [{ audit }, { loadConfig }] = await Promise.all([import('./audit.js'), import('../config.js')]);
    return audit(args, loadConfig);
  },
  journey: async (args) => (await import('./journey.js')).journey(args),
  sla: async (args) => (await import('./sla.js')).sla(args),
};

async function main([noun, ...args]: readonly string[]): Promise<number> {
  if (noun === undefined || noun === '--help' || noun === '-h') {
    console.log(usage);
    return noun === undefined ? 2 : 0;
  }
  try {
    const run = Object.hasOwn(nouns, noun) ? nouns[noun] : undefined;
    if (run === undefined) throw new UsageError(`usher knows no ${noun}`, 'usher --help');
    return await run(args);
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${error.message}\n${error.help} shows what there is`);
      return 2;
    }
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2)); // not exit(): what was printed may still be on its way into a pipe
