import type { Architecture } from '../architecture.ts';
import { Exit } from '../exits.ts';
import type { Instruction } from '../instruction.ts';
import type { I32 } from '../ir/value.ts';
import { PENDING_KIND, PENDING_SYNDROME } from '../state.ts';
import { arm64Architecture } from './architecture.ts';
import { ExceptionClass, Pending, syndrome } from './syndrome.ts';

/** The architecture with system calls and exception returns that leave translated code, where they can be followed. */

const followed: Readonly<Record<string, Instruction['describe']>> = {
  SVC(o, { imm }) {
    o.setState32(PENDING_KIND, o.i32(Pending.synchronous));
    o.setState32(PENDING_SYNDROME, o.or(o.i32(syndrome(ExceptionClass.supervisorCall, 0)), imm as I32));
    o.leave(Exit.exception, 'next');
  },
  ERET(o) {
    o.leave(Exit.exceptionReturn, 'this');
  },
};

export const tracedArm64Architecture: Architecture = {
  ...arm64Architecture,
  instructions: arm64Architecture.instructions.map((entry) => {
    const describe = followed[entry.name];
    return describe === undefined ? entry : { ...entry, describe };
  }),
};
