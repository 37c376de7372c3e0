/** What the engine warns of is what these tests cause on purpose; only its errors are worth a line. */
import { DefaultLogger, Runtime } from '@temporalio/worker';

Runtime.install({ logger: new DefaultLogger('ERROR') });
