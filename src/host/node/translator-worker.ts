import { parentPort } from 'node:worker_threads';
import { runTranslator } from '../translator.ts';
import { nodeClock } from './node-clock.ts';
import type { TranslatorWork } from './node-platform.ts';

parentPort?.once('message', ({ shared, options, regions }: TranslatorWork) => {
  const statistics = runTranslator(shared, nodeClock(), options, (batch) => {
    for (const port of regions) port.postMessage(batch);
  });
  parentPort?.postMessage(statistics);
});
