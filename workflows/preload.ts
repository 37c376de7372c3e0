/**
 * What all workflows of a worker share: their code and that of the SDK, loaded once and frozen, instead of once for each workflow in memory.
 *
 * So no module may keep state of its own: what a workflow knows lives in its function and in what that makes.
 */
import './index.js';

/**
 * The SDK takes a stack for every promise of a workflow, and looks up the source of each of its frames: with the usual ten that is a third of
 * what a workflow thread does. Two show where an error was thrown, and who asked for it.
 */
Error.stackTraceLimit = 2;
