import assert from 'node:assert/strict';
import { ImageError, type ImageErrorCode } from '../../src/images/errors.ts';

/** For assert.throws and assert.rejects: our error with that code, whose message matches. */
export function imageError(code: ImageErrorCode, message: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof ImageError, `an ImageError, not ${error instanceof Error ? error.stack : error}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}

/** Runs a parser on bad input: it must return or throw our error, whatever the bytes are. */
export function survives(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
  }
}
