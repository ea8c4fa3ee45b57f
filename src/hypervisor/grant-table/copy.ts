import { FRAME_SIZE } from '../../memory/layout.ts';
import { DOMID_SELF } from '../abi/domain-id.ts';
import { CopyFlag, CopyGrant, CopyPointer, GrantStatus } from '../abi/grant-table.ts';
import type { Core } from '../core.ts';
import { domidOf, lockDomain, unlockDomain } from '../domain.ts';
import { domainByAnyId } from '../domain-table.ts';
import { pinFrame } from '../physmap.ts';
import { releaseGrant, useGrant } from './use.ts';

/** One end of a copy: the page of a grant, or a frame of the caller's own. */
interface End {
  /** Whose grant it is; 0 for the caller's own frame. */
  granter: number;
  reference: number;
  /** The page's machine address. */
  frame: number;
  offset: number;
}

const source: End = { granter: 0, reference: 0, frame: 0, offset: 0 };
const destination: End = { granter: 0, reference: 0, frame: 0, offset: 0 };

/** Does the gnttab_copy that stands at the start of `core.parameter` for a domain; gives a GrantStatus. */
export const copyGrant = (core: Core, domain: number): number => {
  const length = core.parameter.u16(CopyGrant.length);
  const flags = core.parameter.u16(CopyGrant.flags);
  if (length === 0) return GrantStatus.okay;
  const fromGrant = (flags & CopyFlag.sourceReference) !== 0;
  const toGrant = (flags & CopyFlag.destinationReference) !== 0;
  let status = open(core, domain, source, CopyGrant.source, fromGrant, false);
  if (status !== GrantStatus.okay) return status;
  status = open(core, domain, destination, CopyGrant.destination, toGrant, true);
  if (status === GrantStatus.okay) {
    status = copy(core, length);
    release(core, destination, true);
  }
  release(core, source, false);
  return status;
};

const copy = (core: Core, length: number): number => {
  if (source.offset + length > FRAME_SIZE || destination.offset + length > FRAME_SIZE) {
    return GrantStatus.badCopyArgument;
  }
  const from = source.frame + source.offset;
  core.memory.u8.copyWithin(destination.frame + destination.offset, from, from + length);
  return GrantStatus.okay;
};

const open = (core: Core, domain: number, end: End, at: number, byGrant: boolean, write: boolean): number => {
  const domid = core.parameter.u16(at + CopyPointer.domid);
  end.offset = core.parameter.u16(at + CopyPointer.offset);
  end.granter = 0;
  if (!byGrant) {
    if (domid !== DOMID_SELF) return GrantStatus.permissionDenied;
    end.frame = pinFrame(core, domain, core.parameter.u64(at));
    return end.frame === 0 ? GrantStatus.badPage : GrantStatus.okay;
  }
  const granter = domainByAnyId(core.memory, domain, domid);
  if (granter === 0) return GrantStatus.badDomain;
  end.reference = core.parameter.u32(at + CopyPointer.reference);
  lockDomain(core.memory, granter);
  const frame = useGrant(core, granter, end.reference, domidOf(core.memory, domain), write, false);
  unlockDomain(core.memory, granter);
  if (frame < 0) return frame;
  end.granter = granter;
  end.frame = frame;
  return GrantStatus.okay;
};

const release = (core: Core, end: End, write: boolean): void => {
  if (end.granter === 0) {
    core.frames.release(end.frame);
    return;
  }
  lockDomain(core.memory, end.granter);
  releaseGrant(core, end.granter, end.reference, write, end.frame);
  unlockDomain(core.memory, end.granter);
};
