import type { Subject } from '../subject.ts';
import { console } from './console.ts';
import { deviceTree } from './device-tree.ts';
import { eventQueues } from './event-queues.ts';
import { events } from './events.ts';
import { faults } from './faults.ts';
import { floatingPoint } from './floating-point.ts';
import { grants } from './grants.ts';
import { hypercalls } from './hypercalls.ts';
import { integer } from './integer.ts';
import { interrupts } from './interrupts.ts';
import { memory } from './memory.ts';
import { mmu } from './mmu.ts';
import { timer } from './timer.ts';
import { vcpus } from './vcpus.ts';

/** In the order in which they are run: later ones build on earlier ones. */
export const subjects: readonly Subject[] = [
  console,
  deviceTree,
  hypercalls,
  integer,
  floatingPoint,
  faults,
  mmu,
  interrupts,
  timer,
  events,
  eventQueues,
  grants,
  memory,
  vcpus,
];
