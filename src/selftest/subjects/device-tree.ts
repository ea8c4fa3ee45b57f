import { post, registers } from '../../cpu/arm64/assembler.ts';
import { Global } from '../places.ts';
import type { Subject } from '../subject.ts';

const { x0, x19, x20, x21, x22, w0, w1, w20, w23 } = registers;

/** The flattened tree's header and tokens (Devicetree Specification 0.4, chapter 5), all big-endian. */
const MAGIC = 0xd00d_feed;
const STRUCTURE_OFFSET = 8;
const STRUCTURE_SIZE = 36;
const Token = { beginNode: 1, endNode: 2, property: 3, nop: 4, end: 9 } as const;

/** The first four characters of a text as the number that a little-endian load of them gives. */
const fourCharacters = (text: string): number => {
  const [a, b, c, d] = new TextEncoder().encode(text);
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
};

/** Walks the tree that the guest was started with: counts the processors and finds the node of the hypervisor. */
export const deviceTree: Subject = {
  name: 'device-tree',
  title: 'the device tree that the guest is started with',
  check(guest) {
    guest.readGlobal(x19, Global.deviceTree);
    guest.ldr(w0, [x19]);
    guest.rev(w0, w0);
    guest.expect('magic number', w0, MAGIC);
    guest.ldr(w20, [x19, STRUCTURE_OFFSET]);
    guest.rev(w20, w20);
    guest.ldr(w0, [x19, STRUCTURE_SIZE]);
    guest.rev(w0, w0);
    guest.add(x20, x20, x19);
    guest.add(x21, x20, x0);
    // x20: where the walk is; x21: its end; x22: processors; w23: hypervisor nodes.
    guest.mov(x22, 0);
    guest.mov(w23, 0);

    guest.label('next token');
    guest.cmp(x20, x21);
    guest.b('walked', 'hs');
    guest.ldr(w0, post(x20, 4));
    guest.rev(w0, w0);
    guest.cmp(w0, Token.beginNode);
    guest.b('node', 'eq');
    guest.cmp(w0, Token.property);
    guest.b('property', 'eq');
    guest.cmp(w0, Token.end);
    guest.b('walked', 'eq');
    guest.cmp(w0, Token.endNode);
    guest.b('next token', 'eq');
    guest.expect('token', w0, Token.nop);
    guest.b('next token');

    guest.label('node');
    guest.ldr(w0, [x20]);
    guest.mov(w1, fourCharacters('cpu@'));
    guest.cmp(w0, w1);
    guest.cinc(x22, x22, 'eq');
    guest.mov(w1, fourCharacters('hype'));
    guest.cmp(w0, w1);
    guest.cinc(w23, w23, 'eq');
    guest.label('name');
    guest.ldrb(w0, post(x20, 1));
    guest.cbnz(w0, 'name');
    guest.b('align token');

    guest.label('property');
    guest.ldr(w0, post(x20, 8));
    guest.rev(w0, w0);
    guest.add(x20, x20, x0);

    guest.label('align token');
    guest.add(x20, x20, 3);
    guest.and(x20, x20, -4);
    guest.b('next token');

    guest.label('walked');
    guest.expect('token at the end of the tree', w0, Token.end);
    guest.cmp(x22, 0);
    guest.cset(x0, 'ne');
    guest.expect('whether there are processors', x0, 1);
    guest.writeGlobal(Global.processors, x22);
    guest.expect('nodes of a hypervisor', w23, 1);
    guest.note(x22, 'vCPUs');
  },
};
