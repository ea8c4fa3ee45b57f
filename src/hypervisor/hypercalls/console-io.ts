import { Errno } from '../abi/errno.ts';
import { HypercallNumber } from '../abi/hypercall-number.ts';
import { ConsoleIoOp } from '../abi/shared-info.ts';
import { writeConsole } from '../console-log.ts';
import { type Handler, type Hypercall, readParameter } from './handler.ts';

/** console_io: Xen's emergency console, kept for each domain in its console log. */

/** Bytes taken before the guest gets a chance to take interrupts. */
const BYTES_AT_ONCE = 1024;

const write: Handler = (core, call) => {
  const count = call.low(1);
  const now = Math.min(count, BYTES_AT_ONCE);
  if (!readParameter(core, call, 2, now)) return -Errno.EFAULT;
  writeConsole(core, call.domain, core.parameter.bytes, now);
  if (now === count) return 0;
  call.set(1, count - now);
  call.advance(2, now);
  call.again = true;
  return 0;
};

const handler: Handler = (core, call) => {
  switch (call.low(0)) {
    case ConsoleIoOp.write:
      return write(core, call);
    case ConsoleIoOp.read:
      // Nobody types at it.
      return call.low(1) >= 0x8000_0000 ? -Errno.E2BIG : 0;
    default:
      return -Errno.ENOSYS;
  }
};

export const consoleIo: Hypercall = {
  number: HypercallNumber.console_io,
  name: 'console_io',
  arguments: 3,
  handler,
  operations: ConsoleIoOp,
};
