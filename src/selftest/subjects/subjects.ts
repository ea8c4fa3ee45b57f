import type { Subject } from '../subject.ts';
import { console } from './console.ts';

/** In the order in which they are run: later ones build on earlier ones. */
export const subjects: readonly Subject[] = [console];
